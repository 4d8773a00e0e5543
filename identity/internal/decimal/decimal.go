// Package decimal reads the decimal digits of all scripts.
package decimal

import "unicode"

// Value returns the value of a decimal digit of any script (Unicode category Nd).
func Value(r rune) (int, bool) {
	if r >= '0' && r <= '9' {
		return int(r - '0'), true
	}
	if r < 0x80 || !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	// The digits of each script are ten in a row, and a range of the table has whole rows.
	for _, t := range unicode.Nd.R16 {
		if uint32(t.Lo) <= uint32(r) && uint32(r) <= uint32(t.Hi) {
			return int(r-rune(t.Lo)) % 10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if t.Lo <= uint32(r) && uint32(r) <= t.Hi {
			return int(r-rune(t.Lo)) % 10, true
		}
	}
	return 0, false
}
