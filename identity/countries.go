package identity

import (
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
)

// Country is a region whose numbers are served.
type Country struct {
	Region      string // ISO 3166-1 alpha-2, such as "CN"
	CallingCode int    // such as 86; several regions may share one
	// MinDigits and MaxDigits bound a possible number without its calling code.
	MinDigits, MaxDigits int
	// TrunkPrefix is what people dial before a number within the region, such as
	// "0". Empty where there is none.
	TrunkPrefix string
}

// Countries are the served regions, in the order of Config.Countries.
func (s *Service) Countries() []Country {
	countries := make([]Country, len(s.cfg.Countries))
	for i, region := range s.cfg.Countries {
		countries[i] = country(region)
	}
	return countries
}

// DefaultRegion is where a number without a country code belongs, see
// Config.DefaultRegion.
func (s *Service) DefaultRegion() string { return s.cfg.DefaultRegion }

// Now is the service's clock, in UTC and whole milliseconds: what codes expire by.
func (s *Service) Now() time.Time { return s.now() }

func country(region string) Country {
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
