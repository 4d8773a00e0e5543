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

// TestRegions: the file has the names of golang.org/x/text, in all its languages, and tags
// find the same language as there.
func TestRegions(t *testing.T) {
	t.Parallel()
	tags := display.Supported.Tags()
	if len(tags) < 200 {
		t.Fatalf("only %d languages", len(tags))
	}
	for _, s := range []string{
		"de-AT", "de-CH-1996", "de-Latn-LI", "en-GB", "en-US", "en-AU", "en-CN", "en-Shaw", "zh-CN", "zh-TW", "zh-HK", "zh-Hant-MO", "zh-Hans-HK", "cmn-Hant",
		"yue", "yue-HK", "yue-CN", "zh-yue", "es-MX", "es-419", "es-PH", "es-ES", "pt", "pt-BR", "pt-PT", "pt-AO", "fr-CA", "fr-CH", "fr-HT", "nl-BE",
		"sr", "sr-Latn", "sr-ME", "sr-Latn-BA", "sh", "bs", "bs-Cyrl", "hr-BA", "az-Cyrl", "az-IR", "uz-Arab", "uz-AF", "pa-PK", "pa-Arab", "ur-IN", "fa-AF", "ps-PK",
		"no", "nb", "nn", "nb-SJ", "da-GL", "tl", "fil", "iw", "he", "in", "id", "ji", "yi", "mo", "ro-MD", "ar-EG", "ar-LY", "ar-001", "sw-CD", "sw-KE", "ca-valencia",
		"gsw", "lb", "li", "rm", "mn-Mong", "kk-CN", "ku", "ckb", "ckb-IR", "ug-CN", "bo-IN", "ii", "jv", "su", "ceb", "mi", "sm", "haw", "tt", "ba", "tg", "tk",
		"tlh", "la", "und", "und-DE", "und-Hant", "mul", "x-mine", "i-klingon", "art-lojban", "de-u-co-phonebk", "ja-JP-u-ca-japanese", "qaa", "gn", "ay", "qu-BO",
	} {
		tags = append(tags, language.Make(s))
	}
	found := countrynames.Regions(tags)
	missing := 0
	for i, tag := range tags {
		want := display.Regions(tag)
		if (want == nil) != (found[i] == nil) {
			t.Errorf("%s: there are names: %v, want %v", tag, found[i] != nil, want != nil)
		}
		if want == nil || found[i] == nil {
			missing++
			continue
		}
		for region := range phonenumbers.GetSupportedRegions() {
			if got, want := found[i][region], want.Name(language.MustParseRegion(region)); got != want {
				t.Errorf("%s: %s is %q, want %q; run go generate", tag, region, got, want)
			}
		}
		// Asked for alone, a tag finds what it finds among others.
		if i%10 == 0 && !maps.Equal(found[i], countrynames.Regions([]language.Tag{tag})[0]) {
			t.Errorf("%s alone finds other names", tag)
		}
	}
	if missing == 0 || missing > 20 {
		t.Errorf("%d languages have no names", missing)
	}
}

func BenchmarkRegions(b *testing.B) {
	for name, tag := range map[string]language.Tag{"plain": language.English, "packed": language.German} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				countrynames.Regions([]language.Tag{tag})
			}
		})
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
