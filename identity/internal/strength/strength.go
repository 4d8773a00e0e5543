package strength

import (
	"math"
	"slices"
	"unicode"
)

// MaxLength is how many characters of a password are judged, in code points.
const MaxLength = 1024

// thresholds are the numbers of guesses above which the scores 1 to 4 begin.
var thresholds = [...]float64{1e3, 1e6, 1e8, 1e10}

// Score estimates how many guesses a password withstands: 0 for up to 10^3, 1
// for up to 10^6, 2 for up to 10^8, 3 for up to 10^10, and 4 for more. Words of
// the context, such as the service's name and the user's number, count as guessed first,
// in any case and form. A password of more than [MaxLength] code points is judged by its
// beginning.
func Score(password string, context []string) int {
	least, _ := estimate(password, context, logLimit)
	score := 0
	for score < len(thresholds) && least > logThreshold(score+1) {
		score++
	}
	return score
}

// Reaches reports whether the score is at least so high. It does less work than Score,
// because it stops where the password is strong enough.
func Reaches(password string, context []string, score int) bool {
	if score < 1 || score > len(thresholds) {
		return score < 1
	}
	limit := logThreshold(score)
	const margin = 1e-6 // more than sums of logarithms are wrong by
	least, _ := estimate(password, context, limit+margin)
	return least > limit
}

// logThreshold returns the logarithm of the guesses above which a score of 1 to 4 begins:
// as in zxcvbn, a little more than the power of ten.
func logThreshold(score int) float64 { return math.Log(thresholds[score-1] + 5) }

// estimate returns the logarithm of the guesses, at most the limit, and the work that it
// took.
func estimate(password string, context []string, limit float64) (least float64, work int) {
	var own [][]rune
	for _, w := range context {
		for _, form := range []string{w, Fold(w), string(unmark([]rune(Fold(w))))} {
			r := []rune(form)
			rest, _, _ := squeeze(r)
			for _, spelling := range [][]rune{r, rest} {
				if !slices.ContainsFunc(own, func(o []rune) bool { return slices.Equal(o, spelling) }) {
					own = append(own, spelling)
				}
			}
		}
	}
	least = limit
	for _, reading := range readings(password) {
		factor := math.Log(reading.factor)
		if factor >= least {
			continue
		}
		s := solver{text: reading.text, context: own, limit: least - factor}
		if found := s.solve(); found < s.limit {
			least = found + factor
		}
		if work += s.work; least <= 0 {
			break
		}
	}
	return least, work
}

// reading is one way to read a whole password.
type reading struct {
	text   []rune
	factor float64 // by which the reading multiplies the guesses
}

// readings returns the password as it is; folded; without the characters between its
// letters; without its digits if they are few; without marks; and as keys if it is Korean.
// The reading with the fewest guesses counts.
func readings(password string) []reading {
	var all []reading
	add := func(text []rune, factor float64) {
		text = text[:min(len(text), MaxLength)]
		if !slices.ContainsFunc(all, func(r reading) bool { return slices.Equal(r.text, text) }) {
			all = append(all, reading{text, factor})
		}
	}
	raw := []rune(password)
	raw = raw[:min(len(raw), MaxLength)]
	folded := []rune(Fold(string(raw)))
	add(folded, 1)
	if !slices.EqualFunc(raw, folded, func(r, f rune) bool { return unicode.ToLower(r) == f }) {
		add(raw, 1) // a password that folding makes longer is not stronger
	}
	separated := 1.0
	if rest, dropped, kinds := squeeze(folded); dropped > 0 && len(rest) > 0 {
		// An attacker must guess which separators there are, and where.
		separated = math.Pow(10, float64(kinds)) * math.Exp2(float64(min(dropped, 40)))
		add(rest, separated)
	}
	if rest, digits := lettersOnly(folded); digits > 0 && digits <= 4 && len(rest) > 0 {
		add(rest, separated*math.Pow(10, float64(digits))) // a word repeated with a counter
	}
	if bare := unmark(folded); len(bare) < len(folded) {
		add(bare, 4)
	}
	if keys, ok := hangulKeys(folded); ok {
		add(keys, 2)
	}
	return all
}
