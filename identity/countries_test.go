package identity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

func TestCountriesAreTheConfiguredOnes(t *testing.T) {
	t.Parallel()
	want := []string{"HK", "CN", "DE"}
	f := identitytest.New(t, func(c *identity.Config) { c.DefaultRegion, c.Countries = "HK", want })
	got := f.Countries()
	if !slices.Equal(got, want) || f.DefaultRegion() != "HK" {
		t.Errorf("countries %v, default %s", got, f.DefaultRegion())
	}
	got[0] = "US"
	if again := f.Countries(); !slices.Equal(again, want) {
		t.Errorf("a caller changed the countries to %v", again)
	}
	if now := f.Now(); !now.Equal(f.Clock.Now().Truncate(time.Millisecond)) || now.Location() != time.UTC {
		t.Errorf("now is %s, the clock says %s", now, f.Clock.Now())
	}
}
