package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// The methods below define flags. A flag's default is the field's present value.

// number is a numeric type of a field.
type number interface {
	~int | ~int64 | ~uint8 | ~uint32
}

var errZero = errors.New("must not be 0")

// scalar defines a flag for a number. In some fields 0 stands for the default, and
// another value for "none": whenZero is the value that the flag's 0 becomes. If
// whenZero is 0, the flag refuses 0, unless 0 is the default.
func scalar[T number](f *Set, field *T, name string, whenZero T, parse func(string) (T, error), usage string) {
	def := *field
	f.flags.Var(value{
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
			v := *field
			if v == whenZero && v != def {
				v = 0
			}
			if d, ok := any(v).(time.Duration); ok {
				return FormatDuration(d)
			}
			return fmt.Sprint(v)
		},
	}, name, usage)
}

// Int defines a flag for a whole number.
func (f *Set) Int(field *int, name, usage string) { scalar(f, field, name, 0, parseInt, usage) }

// Duration defines a flag for a duration.
func (f *Set) Duration(field *time.Duration, name, usage string) {
	scalar(f, field, name, 0, parseDuration, usage)
}

// Bool defines a flag for a condition.
func (f *Set) Bool(field *bool, name, usage string) {
	f.flags.Var(value{
		flag: true,
		set: func(s string) error {
			v, err := strconv.ParseBool(strings.ToLower(s))
			if err != nil {
				return errors.New("neither true nor false")
			}
			*field = v
			return nil
		},
		string: func() string { return strconv.FormatBool(*field) },
	}, name, usage)
}

// Text defines a flag for any text.
func (f *Set) Text(field *string, name, usage string) {
	f.flags.Var(value{
		set:    func(s string) error { *field = s; return nil },
		string: func() string { return *field },
	}, name, usage)
}

// Word defines a flag for text that must not be empty: an empty address would mean
// every interface, and an empty file name a temporary database.
func (f *Set) Word(field *string, name, usage string) {
	f.flags.Var(value{
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

// List defines a flag for a comma-separated list. Each further use adds to the list.
func List[T any](f *Set, field *[]T, name string, parse func(string) (T, error), usage string) {
	f.flags.Var(value{
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
		string: func() string {
			var parts []string
			for _, v := range *field {
				if d, ok := any(v).(time.Duration); ok {
					parts = append(parts, FormatDuration(d))
				} else {
					parts = append(parts, fmt.Sprint(v))
				}
			}
			return strings.Join(parts, ",")
		},
	}, name, usage)
}

// Rates defines a flag for rates such as 3/10m,5/1h.
func (f *Set) Rates(field *[]limit.Rate, name, usage string) {
	f.flags.Var(value{
		set: func(s string) (err error) {
			*field, err = parseRates(s)
			return err
		},
		string: func() string { return formatRates(*field) },
	}, name, "`RATES`, "+usage)
}

// Rate defines a flag for one rate.
func (f *Set) Rate(field *limit.Rate, name, usage string) {
	f.flags.Var(value{
		set: func(s string) (err error) {
			*field, err = parseRate(s)
			return err
		},
		string: func() string {
			if *field == (limit.Rate{}) {
				return ""
			}
			return formatRates([]limit.Rate{*field})
		},
	}, name, "`RATE` "+usage)
}

// Bucket defines a flag for a bucket such as 10+1/2h: 10 at the same moment, and one
// more every 2 hours.
func (f *Set) Bucket(field *limit.Bucket, name, usage string) {
	f.flags.Var(value{
		set: func(s string) error {
			burst, rest, found := strings.Cut(strings.TrimSpace(s), "+1/")
			n, err1 := parseInt(burst)
			every, err2 := parseDuration(rest)
			if !found || err1 != nil || err2 != nil {
				return errors.New(`not a bucket such as "10+1/2h": 10, and one more every 2 hours`)
			}
			*field = limit.Bucket{Burst: n, Every: every}
			return nil
		},
		string: func() string { return fmt.Sprintf("%d+1/%s", field.Burst, FormatDuration(field.Every)) },
	}, name, "`COUNT+1/DURATION`, "+usage)
}

// RegionRates defines a flag for rates by region, such as US=10/1h,20/24h;DE=5/1h.
func (f *Set) RegionRates(field *map[string][]limit.Rate, name, usage string) {
	f.flags.Var(value{
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
		string: func() string {
			var parts []string
			for _, region := range sortedKeys(*field) {
				parts = append(parts, region+"="+formatRates((*field)[region]))
			}
			return strings.Join(parts, ";")
		},
	}, name, usage)
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

// FormatDuration formats a duration as flags accept it, without the zeros of
// [time.Duration.String].
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// ParseWord parses an element of a [List] and refuses an empty one.
func ParseWord(s string) (string, error) {
	if s == "" {
		return "", errors.New("a part is empty")
	}
	return s, nil
}

func parseRate(s string) (limit.Rate, error) {
	one, per, found := strings.Cut(s, "/")
	n, err1 := parseInt(one)
	d, err2 := parseDuration(per)
	if !found || err1 != nil || err2 != nil || n < 1 || d == 0 {
		return limit.Rate{}, errors.New(`not a rate such as "3/10m"`)
	}
	return limit.Rate{Limit: n, Per: d}, nil
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
		parts = append(parts, fmt.Sprintf("%d/%s", r.Limit, FormatDuration(r.Per)))
	}
	return strings.Join(parts, ",")
}

// ParsePrefix parses an element of a [List]: an address or a network.
func ParsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, errors.New(`not an address or a network such as "10.0.0.0/8"`)
	}
	return p, nil
}
