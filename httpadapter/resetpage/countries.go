package resetpage

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/countrynames"
)

// Country is a choice of the first step.
type Country struct {
	Region      string // ISO 3166-1 alpha-2
	Name        string // in the page's language
	CallingCode string // such as "+86"
	Selected    bool
}

func callingCode(region string) int { return phonenumbers.GetCountryCodeForRegion(region) }

// countryNames returns the served countries as each language names and sorts them. A
// language without known names uses the English names.
func countryNames(regions []string, tags []language.Tag) [][]Country {
	names := countrynames.Regions(append([]language.Tag{language.English}, tags...))
	english, names := names[0], names[1:]
	all := make([][]Country, len(tags))
	for i, tag := range tags {
		if names[i] == nil {
			tag, names[i] = language.English, english
		}
		for _, r := range regions {
			all[i] = append(all[i], Country{Region: r, CallingCode: "+" + strconv.Itoa(callingCode(r)), Name: cmp.Or(names[i][r], r)})
		}
		order := byName
		if l, ok := countrynames.LanguageOf(tag); ok {
			order = func(a, b Country) int { return countrynames.Compare(l, a.Region, b.Region) }
		}
		slices.SortStableFunc(all[i], order)
	}
	return all
}

// byName is close to what dictionaries do in languages that are written in letters.
// The exact order of each language (golang.org/x/text/collate) would add 1.3 MB to
// a program.
func byName(a, b Country) int {
	return cmp.Or(strings.Compare(sortKey(a.Name), sortKey(b.Name)), strings.Compare(a.Name, b.Name))
}

// sortKey sorts names without regard to case and accents.
func sortKey(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(name))
}

// canonical returns the number for the service, and the form in which the page shows
// it. A text that is not a number of the country, or of the country that it names, is
// passed on as typed, because the service decides what is a number.
func canonical(typed, region string) (mobile, shown string) {
	plain := strings.TrimSpace(norm.NFKC.String(strings.Map(readable, typed)))
	if strings.ContainsFunc(plain, unicode.IsLetter) {
		return typed, typed
	}
	n, err := phonenumbers.Parse(plain, region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return typed, typed
	}
	return phonenumbers.Format(n, phonenumbers.E164), phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}

// plainCode removes the spaces with which people paste a code.
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return r
	}, typed)
}

// readable removes invisible characters, such as the marks of direction around a number
// that was copied from an address book.
func readable(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}
