// Package countrynames names countries and regions in the languages of the
// documented API.
//
// The names are those of the Unicode CLDR, and their order is that of its collations,
// as golang.org/x/text has them in the packages language/display and collate. These
// add megabytes to a program. Here three languages take fourteen kilobytes, and the names
// in all 260 languages and regional variants of language/display take 181 kilobytes.
package countrynames

import (
	"cmp"
	"strings"

	"golang.org/x/text/language"
)

//go:generate go run gen.go

// Names are a region's names.
type Names struct {
	English, Simplified, Traditional string
}

// Of returns the names of a region by its ISO 3166-1 alpha-2 code. A region that
// is not known is named by its code.
func Of(region string) Names {
	n, ok := names[region]
	if !ok {
		return Names{region, region, region}
	}
	return Names{English: n[0], Simplified: n[1], Traditional: n[2]}
}

// Language is one of those that names are in.
type Language int

// The languages.
const (
	English Language = iota
	Simplified
	Traditional
)

// LanguageOf returns the one that a tag asks for, and false if it is none of them.
func LanguageOf(tag language.Tag) (Language, bool) {
	base, _ := tag.Base()
	script, _ := tag.Script()
	switch {
	case base.String() == "en":
		return English, true
	case base.String() == "zh" && script.String() == "Hant":
		return Traditional, true
	case base.String() == "zh":
		return Simplified, true
	}
	return 0, false
}

// In returns the name in a language.
func (n Names) In(l Language) string { return [...]string{n.English, n.Simplified, n.Traditional}[l] }

// Compare orders two regions as a dictionary of the language orders their names. Unknown
// regions come first, by their codes.
func Compare(l Language, a, b string) int {
	return cmp.Or(cmp.Compare(rank(l, a), rank(l, b)), cmp.Compare(a, b))
}

// rank is the place of a region in an order of codes of two letters each.
func rank(l Language, region string) int {
	if _, ok := names[region]; !ok {
		return -1
	}
	for i := 0; ; i += 2 {
		if strings.HasPrefix(orders[l][i:], region) {
			return i
		}
	}
}
