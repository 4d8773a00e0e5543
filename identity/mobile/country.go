package mobile

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Country says how the numbers of a region are written.
type Country struct {
	Region      string // ISO 3166-1 alpha-2, such as "CN"
	CallingCode int    // such as 86; several regions may share one; 0 for a region without numbers
	// MinDigits and MaxDigits bound a possible number without its calling code.
	MinDigits, MaxDigits int
	// TrunkPrefix is what people dial before a number within the region, such as
	// "0". Empty where there is none.
	TrunkPrefix string
}

// CountryOf returns what the number plan says about a region.
func CountryOf(region string) Country {
	c := Country{
		Region: region, CallingCode: phonenumbers.GetCountryCodeForRegion(region),
		TrunkPrefix: phonenumbers.GetNddPrefixForRegion(region, true),
	}
	// The library has no public list of lengths, so each is asked for.
	const longest = 15 // digits of an E.164 number, calling code included
	n := &phonenumbers.PhoneNumber{CountryCode: new(int32(c.CallingCode)), NationalNumber: new(uint64(1))}
	for digits := 1; digits <= longest; digits++ {
		if phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE {
			c.MaxDigits = digits
			if c.MinDigits == 0 {
				c.MinDigits = digits
			}
		}
		*n.NationalNumber *= 10
	}
	if strings.Trim(c.TrunkPrefix, "0123456789") != "" {
		c.TrunkPrefix = "" // not something to type
	}
	return c
}
