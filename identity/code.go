package identity

import (
	"strings"
	"unicode"
)

// outcomeNotACode is in the audit trail for what cannot be a code.
const outcomeNotACode = "not a code"

// minusSign is a dash to people, though Unicode files it under mathematics.
const minusSign = '\u2212'

// parseCode reads a code as people paste it: white space, format characters
// (Unicode category Cf) and dashes (Pd, and the minus sign) are dropped, and
// decimal digits of any script count by their value. ok is false if what is left
// is not exactly as many digits as a code has: such input cannot be a code, so
// it is refused without charging an attempt.
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

// codeDigit is the value of a decimal digit. Unicode encodes the digits of each
// script as ten neighbours in ascending order, and never will otherwise
// (stability policy, "Numeric_Type=Decimal"), so that a range of category Nd
// begins with a zero and holds whole sets of ten.
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
