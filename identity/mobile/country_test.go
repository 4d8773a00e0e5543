package mobile_test

import (
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/seed-16109ab2/rekey/identity/mobile"
)

func TestCountryOf(t *testing.T) {
	t.Parallel()
	for _, want := range []mobile.Country{
		{Region: "HK", CallingCode: 852},
		{Region: "CN", CallingCode: 86, TrunkPrefix: "0"},
		{Region: "DE", CallingCode: 49, TrunkPrefix: "0"},
		{Region: "XX"},
	} {
		got := mobile.CountryOf(want.Region)
		// Lengths come with the number plan, which is updated.
		if known := mobile.KnownRegion(want.Region); known && (got.MinDigits < 4 || got.MinDigits > 8 || got.MaxDigits < 8 || got.MaxDigits > 15) {
			t.Errorf("lengths of %+v", got)
		}
		want.MinDigits, want.MaxDigits = got.MinDigits, got.MaxDigits
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// TestLengthsOfEveryCountry holds the lengths to the plan's own example numbers.
func TestLengthsOfEveryCountry(t *testing.T) {
	t.Parallel()
	for region := range phonenumbers.GetSupportedRegions() {
		c := mobile.CountryOf(region)
		example := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if example == nil {
			continue
		}
		n := len(phonenumbers.GetNationalSignificantNumber(example))
		if n < c.MinDigits || n > c.MaxDigits || c.CallingCode != int(example.GetCountryCode()) {
			t.Errorf("%+v, but a mobile number has %d digits", c, n)
		}
	}
}
