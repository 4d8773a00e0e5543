package identity

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/width"
)

// mobileParser turns every spelling of a number into its one E.164 form.
type mobileParser struct {
	region    string
	countries []string
}

// The longest E.164 number has 15 digits; room for separators.
const maxMobileInput = 40

// parse returns the E.164 form and the region. Possible numbers count, assigned
// or not: the documented example has an unassigned one.
func (p mobileParser) parse(input string) (e164, region string, err error) {
	if len(input) > 3*maxMobileInput {
		return "", "", ErrInvalidMobile
	}
	// Chinese keyboards write fullwidth digits.
	input = strings.TrimSpace(width.Fold.String(input))
	if len(input) > maxMobileInput || strings.ContainsFunc(input, notInNumber) {
		return "", "", ErrInvalidMobile // no letters, extensions or URIs: the parser would guess at them
	}
	n, err := phonenumbers.Parse(input, p.region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return "", "", ErrInvalidMobile
	}
	e164 = phonenumbers.Format(n, phonenumbers.E164)
	// A number whose own form reads as another number has two identities.
	again, err := phonenumbers.Parse(e164, p.region)
	if err != nil || phonenumbers.Format(again, phonenumbers.E164) != e164 {
		return "", "", ErrInvalidMobile
	}
	region = phonenumbers.GetRegionCodeForNumber(n)
	if !slices.Contains(p.countries, region) {
		return "", "", ErrInvalidMobile
	}
	return e164, region, nil
}

func notInNumber(r rune) bool {
	return !(r >= '0' && r <= '9') && !strings.ContainsRune("+-.()/ \u00a0\u2010\u2011\u2012\u2013", r)
}

// nationalDigits is what people remember as the number, for password rules.
func nationalDigits(e164 string) string {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return strings.TrimPrefix(e164, "+")
	}
	return phonenumbers.GetNationalSignificantNumber(n)
}

func knownRegion(region string) bool { return phonenumbers.GetCountryCodeForRegion(region) != 0 }

// maskMobile keeps the country and the last digits: enough for support, too
// little to call.
func maskMobile(e164 string) string {
	const head, tail = 3, 4
	if len(e164) <= head+tail {
		return strings.Repeat("*", len(e164))
	}
	return e164[:head] + strings.Repeat("*", len(e164)-head-tail) + e164[len(e164)-tail:]
}
