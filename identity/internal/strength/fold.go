package strength

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-16109ab2/rekey/identity/internal/decimal"
)

// Fold returns s in a form that compares letters only: compatibility forms such as
// full-width letters become plain letters (NFKC), case is folded, decimal digits of any
// script become ASCII digits, and invisible characters are removed: format characters
// (Cf), variation selectors, and the circles and caps around a digit. The result may be
// longer than s.
func Fold(s string) string {
	// By way of upper case, in which letters such as σ and ς are one.
	s = strings.ToLower(strings.ToUpper(norm.NFKC.String(s)))
	s = strings.ReplaceAll(s, "ß", "ss")
	s = strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		if d, ok := decimal.Value(r); ok {
			return '0' + rune(d)
		}
		return r
	}, s)
	return norm.NFKC.String(s)
}

func invisible(r rune) bool {
	switch {
	case r < 0x80:
		return false
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Me, r):
		return true
	}
	// Other_Default_Ignorable_Code_Point has the Hangul fillers and similar characters.
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// squeeze removes everything but letters, marks and digits. It returns how many characters
// it removed, and how many different ones, up to a dozen.
func squeeze(s []rune) (rest []rune, dropped, kinds int) {
	var gone []rune
	for _, r := range s {
		if unicode.In(r, unicode.L, unicode.M, unicode.N) {
			rest = append(rest, r)
			continue
		}
		if !slices.Contains(gone, r) && len(gone) < 12 {
			gone = append(gone, r)
		}
		dropped++
	}
	return rest, dropped, len(gone)
}

// lettersOnly removes everything but letters and marks, and counts the digits.
func lettersOnly(s []rune) (rest []rune, digits int) {
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.L, unicode.M):
			rest = append(rest, r)
		case unicode.In(r, unicode.N):
			digits++
		}
	}
	return rest, digits
}

// unmark removes combining marks from all letters.
func unmark(s []rune) []rune {
	var rest []rune
	for _, r := range norm.NFD.String(string(s)) {
		if !unicode.Is(unicode.Mn, r) {
			rest = append(rest, r)
		}
	}
	return []rune(norm.NFC.String(string(rest)))
}

// plain returns a letter without its marks: e for é, и for й.
func plain(r rune) rune {
	if r < 0xC0 || unicode.In(r, unicode.Hangul, unicode.Han) {
		return r
	}
	if d := norm.NFD.PropertiesString(string(r)).Decomposition(); len(d) > 0 {
		for _, first := range string(d) {
			return first
		}
	}
	switch r {
	case 'ı':
		return 'i'
	case 'ł':
		return 'l'
	case 'ø':
		return 'o'
	case 'đ', 'ð':
		return 'd'
	}
	return r
}

// bruteForce returns how many guesses a character costs if its neighbours reveal nothing
// about it: 10 for a letter of an alphabet, as in zxcvbn, and more for a character that
// means a syllable, a word or a picture. A Chinese character costs less than the number of
// common ones suggests, because four of them are usually an idiom.
func bruteForce(r rune) float64 {
	switch {
	case r < 0x300:
		return 10
	case unicode.In(r, unicode.Han, unicode.Hangul):
		return 30
	case unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Ethiopic):
		return 15
	case unicode.In(r, unicode.L, unicode.M, unicode.N):
		return 10
	case r > 0x2000 && unicode.In(r, unicode.S):
		return 50
	}
	return 10
}
