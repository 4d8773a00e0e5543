package strength

import (
	"math"
	"strings"
	"sync"
)

const (
	firstYear, lastYear = 1900, 2060
	yearGuesses         = 100 // of the years that people live in
)

// separators are the characters between the parts of a date; the last are Chinese,
// Japanese and Korean.
const separators = "-/. _,:年月년월"

// date calls found for each way to read the digits at the start of text as a date: a year,
// a day, or a day with its year, in any order, with or without separators.
func date(text []rune, found func(length int, guesses float64)) (steps int) {
	if len(text) == 0 || !digit(text[0]) {
		return 0
	}
	if y, ok := number(text, 4); ok && firstYear <= y && y <= lastYear {
		found(4, yearGuesses)
	}
	if v, ok := number(text, 4); ok && day(v/100, v%100) {
		found(4, 366)
	}
	for _, order := range [...][3]byte{{'y', 'm', 'd'}, {'d', 'm', 'y'}, {'m', 'd', 'y'}, {'y', 'd', 'm'}} {
		for widths := range 8 { // two-digit or four-digit year, one or two digits of day and month
			for _, sep := range []bool{false, true} {
				steps++
				if n, ok := dated(text, order, widths, sep); ok {
					guesses := 366.0 * yearGuesses
					if sep {
						guesses *= 4
					}
					found(n, guesses)
				}
			}
		}
	}
	return steps
}

// day reports whether a and b are a month and a day, or a day and a month.
func day(a, b int) bool {
	return 1 <= a && 1 <= b && a <= 31 && b <= 31 && (a <= 12 || b <= 12)
}

func dated(text []rune, order [3]byte, widths int, sep bool) (length int, ok bool) {
	for i, part := range order {
		width := 1 + widths>>1&1
		lo, hi := 1, 31
		switch part {
		case 'y':
			if width, lo, hi = 2, 0, 99; widths&1 != 0 {
				width, lo, hi = 4, firstYear, lastYear
			}
		case 'm':
			width, hi = 1+widths>>2&1, 12
		}
		v, ok := number(text[length:], width)
		if !ok || v < lo || v > hi {
			return 0, false
		}
		length += width
		if sep && i < 2 {
			if length == len(text) || !strings.ContainsRune(separators, text[length]) {
				return 0, false
			}
			length++
		}
	}
	if sep && length < len(text) && strings.ContainsRune("日일", text[length]) {
		length++
	}
	return length, sep || length >= 5
}

func number(text []rune, width int) (v int, ok bool) {
	if len(text) < width {
		return 0, false
	}
	for _, r := range text[:width] {
		if !digit(r) {
			return 0, false
		}
		v = 10*v + int(r-'0')
	}
	return v, true
}

func digit(r rune) bool { return '0' <= r && r <= '9' }

// syllables holds true for each syllable of pinyin, without tones, and false for what only
// begins one.
var syllables = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for row := range strings.Lines(`
 a ai an ang ao e en eng er o ou
b a ai an ang ao ei en eng i ian iao ie in ing o u
p a ai an ang ao ei en eng i ian iao ie in ing o ou u
m a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u
f a an ang ei en eng o ou u
d a ai an ang ao e ei en eng i ian iao ie ing iu ong ou u uan ui un uo
t a ai an ang ao e eng i ian iao ie ing ong ou u uan ui un uo
n a ai an ang ao e ei en eng i ian iang iao ie in ing iu ong ou u uan uo v ve
l a ai an ang ao e ei eng i ia ian iang iao ie in ing iu ong ou u uan un uo v ve
g a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo
k a ai an ang ao e en eng ong ou u ua uai uan uang ui un uo
h a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo
j i ia ian iang iao ie in ing iong iu u uan ue un
q i ia ian iang iao ie in ing iong iu u uan ue un
x i ia ian iang iao ie in ing iong iu u uan ue un
zh a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo
ch a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo
sh a ai an ang ao e ei en eng i ou u ua uai uan uang ui un uo
r an ang ao e en eng i ong ou u uan ui un uo
z a ai an ang ao e ei en eng i ong ou u uan ui un uo
c a ai an ang ao e en eng i ong ou u uan ui un uo
s a ai an ang ao e en eng i ong ou u uan ui un uo
y a an ang ao e i in ing o ong ou u uan ue un
w a ai an ang ei en eng o u
`) {
		initial, finals, _ := strings.Cut(strings.TrimSuffix(row, "\n"), " ")
		for _, final := range strings.Fields(finals) {
			syllable := initial + final
			m[syllable] = true
			for n := 1; n < len(syllable); n++ {
				if begin := syllable[:n]; !m[begin] {
					m[begin] = false
				}
			}
		}
	}
	return m
})

const (
	// syllableGuesses is the cost of a syllable: of about 400, few are common, and fewer
	// in names.
	syllableGuesses = 30
	maxSyllables    = 12
)

// pinyin calls found for each run of syllables at the start of text, with the
// guesses for it.
func pinyin(text []rune, found func(length int, guesses float64)) (steps int) {
	var count [6*maxSyllables + 1]int // the fewest syllables for the first n characters
	for at, end := 0, 0; at <= end && at+6 < len(count); at++ {
		if at > 0 && count[at] == 0 || count[at] == maxSyllables {
			continue
		}
		if count[at] > 1 || at > 2 {
			found(at, max(100, math.Pow(syllableGuesses, float64(count[at]))))
		}
		steps += syllable(text[min(at, len(text)):], func(n int) {
			if c := &count[at+n]; *c == 0 || *c > count[at]+1 {
				*c = count[at] + 1
			}
			end = max(end, at+n)
		})
	}
	return steps
}

// syllable calls found for each syllable at the start of text.
func syllable(text []rune, found func(length int)) (steps int) {
	var s [6]byte
	for n := range min(len(text), len(s)) {
		if text[n] < 'a' || text[n] > 'z' {
			return n
		}
		s[n] = byte(text[n])
		whole, begun := syllables()[string(s[:n+1])]
		if !begun {
			return n + 1
		}
		if whole {
			found(n + 1)
		}
	}
	return len(s)
}

// copyWindow is how far back a repetition is searched for.
const copyWindow = 64

// copies[i][d-1] is how many characters from i on equal the characters d places before.
type copies [][copyWindow]uint16

func newCopies(text []rune) copies {
	c := make(copies, len(text)+1)
	for i := len(text) - 1; i >= 0; i-- {
		for d := 1; d <= min(i, copyWindow); d++ {
			if text[i] == text[i-d] {
				c[i][d-1] = c[i+1][d-1] + 1
			}
		}
	}
	return c
}

// copyGuesses returns the cost of a repetition: the number of times if it directly follows
// what it repeats, and otherwise the place too.
func copyGuesses(length, distance int) float64 {
	if length >= distance {
		return float64(length/distance + 1)
	}
	return float64(4 * distance)
}
