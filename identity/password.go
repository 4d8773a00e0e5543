package identity

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/adjacency"
	"github.com/ccojocar/zxcvbn-go/matching"

	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
)

// check applies the rules that need neither storage nor network to a
// normalized password.
func (p *PasswordPolicy) check(password string, number mobile.Number, serviceName string) error {
	n := utf8.RuneCountInString(password)
	if n < p.Min || n > p.Max {
		return &PasswordError{Fault: PasswordLength, Min: p.Min, Max: p.Max}
	}
	national := number.National()
	if strings.Contains(password, national) || strings.Contains(password, strings.TrimPrefix(number.E164(), "+")) {
		return &PasswordError{Fault: PasswordContains}
	}
	words := p.Words
	if utf8.RuneCountInString(serviceName) >= 3 {
		words = append(words[:len(words):len(words)], serviceName)
	}
	folded := strings.ToLower(password)
	for _, w := range words {
		if strings.Contains(folded, strings.ToLower(w)) {
			return &PasswordError{Fault: PasswordContains, Word: w}
		}
	}
	if p.Strength >= 0 && strength(password, append(words[:len(words):len(words)], national)) < p.Strength {
		return &PasswordError{Fault: PasswordWeak}
	}
	return nil
}

// estimateLength bounds how much of a password is estimated at once: zxcvbn's
// cost grows with the square of the length, and anybody may ask.
const estimateLength = 32

// strength is zxcvbn's score of 0 to 4. A long password is at least as strong as
// its beginning and as its end.
func strength(password string, context []string) int {
	runes := []rune(password)
	if len(runes) <= estimateLength {
		return score(password, context)
	}
	return max(score(string(runes[:estimateLength]), context), score(string(runes[len(runes)-estimateLength:]), context))
}

// score is the least estimate of a password and of what it says in l33t. The
// library's own l33t matcher tries every combination of substitutions: a crafted
// 240-character password keeps it busy for half a minute.
func score(password string, context []string) int {
	least := words(password, context)
	plain, plainL := unleet.Replace(password), unleetL.Replace(password)
	if plain != password {
		least = min(least, words(plain, context))
	}
	if plainL != password && plainL != plain {
		least = min(least, words(plainL, context))
	}
	// Walks over the keyboard last: the library reads its keyboards anew for each.
	if least >= 2 && walk(password) {
		least = min(least, zxcvbn.PasswordStrength(password, context, matching.FilterL33tMatcher).Score)
	}
	return least
}

// words is the estimate without a look at the keyboard.
func words(password string, context []string) int {
	return zxcvbn.PasswordStrength(password, context, matching.FilterL33tMatcher, matching.FilterSpatialMatcher).Score
}

// walk reports whether four keys in a row lie beside each other.
func walk(password string) bool {
	for _, keyboard := range []string{"qwerty", "keypad"} {
		keys, run := adjacency.GraphMap[keyboard].Graph, 1
		for i := 1; i < len(password); i++ {
			run++
			if !slices.ContainsFunc(keys[password[i-1:i]], func(k string) bool { return strings.Contains(k, password[i:i+1]) }) {
				run = 1
			}
			if run == 4 {
				return true
			}
		}
	}
	return false
}

// What stands for a letter in l33t; 1, ! and 7 stand for an i and a t, or for an l.
var (
	unleet = strings.NewReplacer("4", "a", "@", "a", "8", "b", "(", "c", "{", "c", "[", "c", "<", "c", "3", "e",
		"6", "g", "9", "g", "1", "i", "!", "i", "|", "i", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "%", "x", "2", "z")
	unleetL = strings.NewReplacer("4", "a", "@", "a", "8", "b", "(", "c", "{", "c", "[", "c", "<", "c", "3", "e",
		"6", "g", "9", "g", "1", "l", "!", "l", "|", "l", "0", "o", "$", "s", "5", "s", "7", "l", "+", "t", "%", "x", "2", "z")
)
