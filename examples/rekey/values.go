package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// value is a [flag.Value] made of two functions.
type value struct {
	set    func(string) error
	string func() string
}

func (v value) Set(s string) error { return v.set(s) }

func (v value) String() string {
	if v.string == nil { // flag asks the zero value too
		return ""
	}
	return v.string()
}

// number is any type of Config that counts something.
type number interface {
	~int | ~int64 | ~uint8 | ~uint32
}

var errZero = errors.New("must not be 0")

// scalar defines a flag for a field of Config, in which zero means the default.
// Whoever sets a flag to zero means zero: it becomes whenZero, or is refused if
// the field has no such value (whenZero is 0 too).
func scalar[T number](f *flags, field *T, name string, def, whenZero T, parse func(string) (T, error), usage string) {
	*field = def
	f.Var(value{
		set: func(s string) error {
			v, err := parse(s)
			if err != nil {
				return err
			}
			if v == 0 && def != 0 && whenZero == 0 {
				return errZero
			}
			if v == 0 {
				v = whenZero
			}
			*field = v
			return nil
		},
		string: func() string {
			if d, ok := any(*field).(time.Duration); ok {
				return formatDuration(d)
			}
			return fmt.Sprint(*field)
		},
	}, name, usage)
}

// word defines a flag of text that must not be empty: an empty address would be
// every interface, an empty file name a database that is gone at the end.
func (f *flags) word(field *string, name, def, usage string) {
	*field = def
	f.Var(value{
		set: func(s string) error {
			if s == "" {
				return errors.New("must not be empty")
			}
			*field = s
			return nil
		},
		string: func() string { return *field },
	}, name, usage)
}

func (f *flags) integer(field *int, name string, def int, usage string) {
	scalar(f, field, name, def, 0, parseInt, usage)
}

func (f *flags) duration(field *time.Duration, name string, def time.Duration, usage string) {
	scalar(f, field, name, def, 0, parseDuration, usage)
}

func parseInt(s string) (int, error) {
	v, err := strconv.Atoi(s)
	if err != nil {
		return 0, errors.New("not a whole number")
	}
	return v, nil
}

func parseUint[T uint8 | uint32](bits int) func(string) (T, error) {
	return func(s string) (T, error) {
		v, err := strconv.ParseUint(s, 10, bits)
		if err != nil {
			return 0, fmt.Errorf("not a whole number from 0 to %d", uint64(1)<<bits-1)
		}
		return T(v), nil
	}
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errors.New(`not a duration such as "90s", "10m" or "24h"`)
	}
	if d < 0 {
		return 0, errors.New("negative")
	}
	return d, nil
}

func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// list defines a flag of comma-separated parts, which further uses add to.
func list[T any](f *flags, field *[]T, name string, parse func(string) (T, error), usage string) {
	f.Var(value{
		set: func(s string) error {
			for part := range strings.SplitSeq(s, ",") {
				v, err := parse(strings.TrimSpace(part))
				if err != nil {
					return err
				}
				*field = append(*field, v)
			}
			return nil
		},
		string: func() string { return "" },
	}, name, usage)
}

func parseWord(s string) (string, error) {
	if s == "" {
		return "", errors.New("a part is empty")
	}
	return s, nil
}

// rate prints as it is written.
type rate limit.Rate

func (r rate) String() string { return fmt.Sprintf("%d/%s", r.Limit, formatDuration(r.Per)) }

func parseRate(s string) (limit.Rate, error) {
	one, per, found := strings.Cut(s, "/")
	n, err1 := parseInt(one)
	d, err2 := parseDuration(per)
	if !found || err1 != nil || err2 != nil || n < 1 || d == 0 {
		return limit.Rate{}, errors.New(`not a rate such as "3/10m"`)
	}
	return limit.Rate{Limit: n, Per: d}, nil
}

func (f *flags) rates(field *[]limit.Rate, name string, def []limit.Rate, usage string) {
	*field = def
	f.Var(value{
		set: func(s string) (err error) {
			*field, err = parseRates(s)
			return err
		},
		string: func() string { return formatRates(*field) },
	}, name, "`RATES`, "+usage)
}

func parseRates(s string) (rates []limit.Rate, err error) {
	for part := range strings.SplitSeq(s, ",") {
		r, err := parseRate(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		rates = append(rates, r)
	}
	return rates, nil
}

func formatRates(rates []limit.Rate) string {
	var parts []string
	for _, r := range rates {
		parts = append(parts, rate(r).String())
	}
	return strings.Join(parts, ",")
}

func (f *flags) rate(field *limit.Rate, name string, def limit.Rate, usage string) {
	*field = def
	f.Var(value{
		set: func(s string) (err error) {
			*field, err = parseRate(s)
			return err
		},
		string: func() string {
			if *field == (limit.Rate{}) {
				return ""
			}
			return rate(*field).String()
		},
	}, name, "`RATE` "+usage)
}

// regionRates defines a flag such as US=10/1h,20/24h;DE=5/1h.
func (f *flags) regionRates(field *map[string][]limit.Rate, name, usage string) {
	f.Var(value{
		set: func(s string) error {
			for part := range strings.SplitSeq(s, ";") {
				region, text, found := strings.Cut(part, "=")
				rates, err := parseRates(text)
				if !found || err != nil {
					return errors.New(`not rates by region such as "US=10/1h;DE=5/1h"`)
				}
				if *field == nil {
					*field = map[string][]limit.Rate{}
				}
				(*field)[strings.TrimSpace(region)] = rates
			}
			return nil
		},
		string: func() string { return "" },
	}, name, usage)
}

func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, errors.New(`not an address or a network such as "10.0.0.0/8"`)
	}
	return p, nil
}
