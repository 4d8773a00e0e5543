package identity

import (
	"strings"
	"unicode"
)

// outcomeNotACode is the outcome in the audit trail for an input that cannot be a code.
const outcomeNotACode = "not a code"

// minusSign looks like a dash to people, but is a mathematical symbol in Unicode.
const minusSign = '\u2212'

// parseCode reads a code as people paste it. It removes white space, format characters
// (Unicode category Cf) and dashes (Pd, and the minus sign), and reads decimal digits of
// any script by their value. ok is false if the rest is not exactly as many digits as a
// code has. Such an input cannot be a code, so it is refused without charging an attempt.
func parseCode(input Secret, digits int) (code string, ok bool) {
	var b strings.Builder
	for _, r := range input.Reveal() {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Pd) || r == minusSign {
			continue
		}
		value, isDigit := codeDigit(r)
		if !isDigit || b.Len() == digits {
			return "", false
		}
		b.WriteByte('0' + value)
	}
	return b.String(), b.Len() == digits
}

// codeDigit returns the value of a decimal digit. Unicode guarantees that the digits of a
// script are ten consecutive characters in ascending order (stability policy,
// "Numeric_Type=Decimal"). So a range of category Nd begins with a zero and holds whole
// sets of ten.
func codeDigit(r rune) (value byte, ok bool) {
	if '0' <= r && r <= '9' {
		return byte(r - '0'), true
	}
	for _, set := range unicode.Nd.R16 {
		if rune(set.Lo) <= r && r <= rune(set.Hi) {
			return byte((r - rune(set.Lo)) % 10), true
		}
	}
	for _, set := range unicode.Nd.R32 {
		if rune(set.Lo) <= r && r <= rune(set.Hi) {
			return byte((r - rune(set.Lo)) % 10), true
		}
	}
	return 0, false
}
