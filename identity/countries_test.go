package identity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

func TestCountriesAreTheConfiguredOnes(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.DefaultRegion, c.Countries = "HK", []string{"HK", "CN", "DE"} })
	want := []identity.Country{
		{Region: "HK", CallingCode: 852, MinDigits: 5, MaxDigits: 11},
		{Region: "CN", CallingCode: 86, MinDigits: 7, MaxDigits: 13, TrunkPrefix: "0"},
		{Region: "DE", CallingCode: 49, MinDigits: 4, MaxDigits: 15, TrunkPrefix: "0"},
	}
	got := f.Countries()
	for i := range got {
		// Lengths come with the number plan, which is updated.
		if got[i].MinDigits < 4 || got[i].MaxDigits > 15 || got[i].MinDigits > 8 || got[i].MaxDigits < 8 {
			t.Errorf("%+v", got[i])
		}
		got[i].MinDigits, got[i].MaxDigits = want[i].MinDigits, want[i].MaxDigits
	}
	if !slices.Equal(got, want) || f.DefaultRegion() != "HK" {
		t.Errorf("countries %+v, default %s", got, f.DefaultRegion())
	}
	if now := f.Now(); !now.Equal(f.Clock.Now().Truncate(time.Millisecond)) || now.Location() != time.UTC {
		t.Errorf("now is %s, the clock says %s", now, f.Clock.Now())
	}
}

// TestLengthsOfEveryCountry holds the lengths to the plan's own example numbers.
func TestLengthsOfEveryCountry(t *testing.T) {
	t.Parallel()
	for region := range phonenumbers.GetSupportedRegions() {
		c := identity.CountryOf(region)
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
