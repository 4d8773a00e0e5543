package countrynames_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/collate"
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

// TestOrder: regions are sorted as the Unicode CLDR sorts their names.
func TestOrder(t *testing.T) {
	t.Parallel()
	for l, tag := range map[countrynames.Language]string{countrynames.English: "en", countrynames.Simplified: "zh-Hans", countrynames.Traditional: "zh-Hant"} {
		regions := slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions()))
		slices.SortStableFunc(regions, func(a, b string) int { return countrynames.Compare(l, a, b) })
		collator := collate.New(language.MustParse(tag))
		for i, region := range regions[1:] {
			before := countrynames.Of(regions[i]).In(l)
			if name := countrynames.Of(region).In(l); collator.CompareString(before, name) > 0 {
				t.Errorf("%s: %s comes before %s; run go generate", tag, before, name)
			}
		}
	}
	if countrynames.Compare(countrynames.English, "ZZ", "AD") >= 0 || countrynames.Compare(countrynames.English, "ZZ", "QQ") <= 0 {
		t.Error("unknown regions do not come first, by their codes")
	}
}
