// Package mobile reads telephone numbers.
package mobile

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/width"
)

// ErrInvalid is a number that is not served.
var ErrInvalid = errors.New("not a possible mobile number of a served country")

// Number is a parsed number. It prints masked.
type Number struct{ e164, region, national string }

func (n Number) E164() string               { return n.e164 }
func (n Number) Region() string             { return n.region }
func (n Number) National() string           { return n.national }
func (n Number) Masked() string             { return Mask(n.e164) }
func (n Number) String() string             { return n.Masked() }
func (n Number) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(n.Masked())) }
func (n Number) LogValue() slog.Value       { return slog.StringValue(n.Masked()) }

// Parser turns every spelling of a number into its one form.
type Parser struct {
	Region    string
	Countries []string
}

const maxInput = 40

// Parse parses.
func (p Parser) Parse(input string) (Number, error) {
	if len(input) > 3*maxInput {
		return Number{}, ErrInvalid
	}
	input = strings.TrimSpace(width.Fold.String(input))
	if len(input) > maxInput || strings.ContainsFunc(input, notInNumber) {
		return Number{}, ErrInvalid
	}
	n, err := phonenumbers.Parse(input, p.Region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return Number{}, ErrInvalid
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	again, err := phonenumbers.Parse(e164, p.Region)
	if err != nil || phonenumbers.Format(again, phonenumbers.E164) != e164 {
		return Number{}, ErrInvalid
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if !slices.Contains(p.Countries, region) {
		return Number{}, ErrInvalid
	}
	return Number{e164, region, phonenumbers.GetNationalSignificantNumber(n)}, nil
}

func notInNumber(r rune) bool {
	return !(r >= '0' && r <= '9') && !strings.ContainsRune("+-.()/ \u00a0\u2010\u2011\u2012\u2013", r)
}

// KnownRegion reports whether the region has numbers.
func KnownRegion(region string) bool { return phonenumbers.GetCountryCodeForRegion(region) != 0 }

// Mask keeps the country and the last digits.
func Mask(e164 string) string {
	const head, tail = 3, 4
	if len(e164) <= head+tail {
		return strings.Repeat("*", len(e164))
	}
	return e164[:head] + strings.Repeat("*", len(e164)-head-tail) + e164[len(e164)-tail:]
}
