package decimal_test

import (
	"testing"
	"unicode"

	"github.com/seed-16109ab2/rekey/identity/internal/decimal"
)

// Every script has ten consecutive digits from zero to nine. So each value occurs
// equally often, and each digit is one more than the digit before it.
func TestEveryDigitHasItsValue(t *testing.T) {
	t.Parallel()
	count, last := map[int]int{}, 9
	for r := rune(0); r <= unicode.MaxRune; r++ {
		v, ok := decimal.Value(r)
		if ok != unicode.Is(unicode.Nd, r) {
			t.Fatalf("%U: %v", r, ok)
		}
		if !ok {
			continue
		}
		if v != (last+1)%10 {
			t.Fatalf("%U is %d after %d", r, v, last)
		}
		last = v
		count[v]++
	}
	for v := range 10 {
		if count[v] != count[0] || count[v] < 30 {
			t.Errorf("%d digits of value %d", count[v], v)
		}
	}
	for r, want := range map[rune]int{'7': 7, '７': 7, '٧': 7, '۷': 7, '७': 7, '๗': 7, '𝟕': 7} {
		if got, ok := decimal.Value(r); !ok || got != want {
			t.Errorf("%c is %d", r, got)
		}
	}
	for _, r := range "²½①七Ⅶxx" {
		if _, ok := decimal.Value(r); ok {
			t.Errorf("%c is a digit", r)
		}
	}
}
