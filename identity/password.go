package identity

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/internal/strength"
)

// check applies the rules that need neither storage nor network to a normalized password.
// It searches the folded password for words and the number: in any case, width and script
// of digits, and with format characters between the letters.
func (p *PasswordPolicy) check(password string, number mobile.Number, serviceName string) error {
	n := utf8.RuneCountInString(password)
	if n < p.Min || n > p.Max {
		return &PasswordError{Fault: PasswordLength, Min: p.Min, Max: p.Max}
	}
	folded := strength.Fold(password)
	spellings := number.Spellings()
	switch forwards, backwards := holdsNumber(folded, spellings); {
	case forwards:
		return &PasswordError{Fault: PasswordContains}
	case backwards:
		return &PasswordError{Fault: PasswordWeak}
	}
	words := p.Words
	if utf8.RuneCountInString(serviceName) >= 3 {
		words = append(words[:len(words):len(words)], serviceName)
	}
	for _, w := range words {
		if f := strength.Fold(w); f != "" && strings.Contains(folded, f) {
			return &PasswordError{Fault: PasswordContains, Word: w}
		}
	}
	if !strength.Reaches(password, append(words[:len(words):len(words)], spellings...), p.Strength) {
		return &PasswordError{Fault: PasswordWeak}
	}
	return nil
}

// holdsNumber searches the digits of a folded password for one of the spellings, in both
// directions. It ignores all characters between digits except letters.
func holdsNumber(folded string, spellings []string) (forwards, backwards bool) {
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case unicode.IsLetter(r):
			return ' '
		}
		return -1
	}, folded)
	for _, s := range spellings {
		if s == "" {
			continue
		}
		forwards = forwards || strings.Contains(digits, s)
		reversed := []byte(s)
		slices.Reverse(reversed)
		backwards = backwards || strings.Contains(digits, string(reversed))
	}
	return forwards, backwards
}
