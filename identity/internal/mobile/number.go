package mobile

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unique"

	"github.com/nyaruka/phonenumbers"
)

// Number is a telephone number. Numbers can be compared with ==. A Number prints masked,
// under every verb and in JSON and logs, so that it is not shown by accident; call
// [Number.E164] for its digits. The zero Number is no number.
type Number struct {
	// The handle points to the E.164 form, the region and the national digits, separated
	// by spaces. fmt does not call methods of values in unexported fields of other types.
	// It prints a pointer to a string as an address under every verb, but not a pointer to
	// a struct.
	h unique.Handle[string]
}

type parts struct{ e164, region, national string }

// FromE164 returns a number that was stored in its E.164 form. It checks only that the
// number has a country code. For an area that the number plan does not know, the region is
// the main one of the country code, whereas [Parser.Parse] prefers a served one. Error:
// [ErrInvalid].
func FromE164(e164 string) (Number, error) {
	if !strings.HasPrefix(e164, "+") {
		return Number{}, ErrInvalid
	}
	n, err := phonenumbers.Parse(e164, "")
	if err != nil || phonenumbers.Format(n, phonenumbers.E164) != e164 {
		return Number{}, ErrInvalid
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if region == "" {
		region = phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
	}
	return newNumber(n, region), nil
}

func newNumber(n *phonenumbers.PhoneNumber, region string) Number {
	return Number{unique.Make(phonenumbers.Format(n, phonenumbers.E164) + " " + region + " " + phonenumbers.GetNationalSignificantNumber(n))}
}

func (n Number) parts() parts {
	if n == (Number{}) {
		return parts{}
	}
	f := strings.Split(n.h.Value(), " ")
	return parts{f[0], f[1], f[2]}
}

// IsZero reports whether n is the zero Number.
func (n Number) IsZero() bool { return n == Number{} }

// E164 returns the number with plus sign and country code, such as +8612345678901.
func (n Number) E164() string { return n.parts().e164 }

// Region returns the region to which the number belongs, as an ISO 3166-1 alpha-2 code.
func (n Number) Region() string { return n.parts().region }

// National returns the digits after the country code.
func (n Number) National() string { return n.parts().national }

// Masked returns the number with only the country code and the last digits: enough for
// support, and too little to call.
func (n Number) Masked() string { return Mask(n.parts().e164) }

// String returns [Number.Masked].
func (n Number) String() string { return n.Masked() }

// Format writes [Number.Masked] under every verb.
func (n Number) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(n.Masked())) }

// MarshalText returns [Number.Masked].
func (n Number) MarshalText() ([]byte, error) { return []byte(n.Masked()), nil }

// LogValue returns [Number.Masked].
func (n Number) LogValue() slog.Value { return slog.StringValue(n.Masked()) }

// Spellings returns the digits that the owner may write for the number: with and without
// country code, as people write it at home, and as it was written before the country
// changed its numbers.
func (n Number) Spellings() []string {
	p := n.parts()
	if p.e164 == "" {
		return nil
	}
	all := []string{p.e164[1:], p.national}
	country := strings.TrimSuffix(p.e164[1:], p.national)
	switch {
	case country == argentina && strings.HasPrefix(p.national, "9"):
		all = append(all, p.national[1:], country+p.national[1:])
		for area := 2; area <= 4; area++ { // the 15 follows the area code
			all = append(all, p.national[1:1+area]+"15"+p.national[1+area:])
		}
	case country == mexico:
		all = append(all, country+"1"+p.national)
	}
	return all
}

// Mask returns [Number.Masked] of a number in its E.164 form.
func Mask(e164 string) string {
	const tail = 4
	if len(e164) <= 7 || e164[0] != '+' {
		return strings.Repeat("*", len(e164))
	}
	head := 1 + countryCodeLength(e164[1:])
	shown := min(tail, (len(e164)-head)/2)
	return e164[:head] + strings.Repeat("*", len(e164)-head-shown) + e164[len(e164)-shown:]
}

// countryCodeLength returns the length of the country code, by the ITU's list (E.164,
// annex to the Operational Bulletin): 1 and 7 have one digit, the pairs below have two, and
// all others have three.
func countryCodeLength(digits string) int {
	const pairs = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "
	switch {
	case digits[0] == '1' || digits[0] == '7':
		return 1
	case strings.Contains(pairs, " "+digits[:2]+" "):
		return 2
	}
	return 3
}

// MainRegion returns the region of a masked number's country code; if several regions share
// the code, the main one. It is empty for a text that is not a masked number.
func MainRegion(masked string) string {
	digits, _, _ := strings.Cut(strings.TrimPrefix(masked, "+"), "*")
	code, err := strconv.Atoi(digits)
	if err != nil || !strings.HasPrefix(masked, "+") || len(digits) > 3 {
		return ""
	}
	if region := phonenumbers.GetRegionCodeForCountryCode(code); region != "ZZ" && region != "001" {
		return region
	}
	return ""
}
