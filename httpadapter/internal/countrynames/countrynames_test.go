package countrynames_test

import (
	"testing"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/countrynames"
)

// TestNames: every region that can be served has the names of the Unicode CLDR.
func TestNames(t *testing.T) {
	t.Parallel()
	for region := range phonenumbers.GetSupportedRegions() {
		name := func(tag string) string {
			return display.Regions(language.MustParse(tag)).Name(language.MustParseRegion(region))
		}
		want := countrynames.Names{English: name("en"), Simplified: name("zh-Hans"), Traditional: name("zh-Hant")}
		if got := countrynames.Of(region); got != want || got.English == "" || got.Simplified == "" || got.Traditional == "" {
			t.Errorf("%s is %+v, want %+v; run go generate", region, got, want)
		}
	}
	if got := countrynames.Of("ZZ"); got.English != "ZZ" {
		t.Errorf("an unknown region is %+v", got)
	}
}
