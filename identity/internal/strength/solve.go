package strength

import (
	"math"
	"slices"
	"sync"
)

// solver divides a text into the parts that cost the fewest guesses. For l parts that cost
// g1 … gl, an attacker who does not know their order needs l! · g1 · … · gl guesses
// (Wheeler, section 4).
type solver struct {
	text, back []rune // and backwards
	context    [][]rune
	// begin has a bit for the first character of each word of the context, and of others
	// by chance.
	begin uint64
	words *words
	limit float64 // the logarithm of the guesses at which the search stops

	disguised []disguised // the text in each disguise
	copies    copies
	// cost[i][l] is the logarithm of the guesses for the first i characters in l parts:
	// in the first column if the last part was found, in the second if it is brute force.
	cost [][2][maxParts + 1]float64
	// backward[i] are the words that begin at i, and searched the first end of which none
	// was searched for.
	backward [][]backward
	searched int
	// reach is the furthest place that a part has reached.
	reach int
	work  int
}

// disguised is the text in a disguise, forwards and backwards.
type disguised struct {
	*disguise
	text, back               []rune
	changed, changedBackward []int32 // how far it is from a place to the next other character
}

// backward is a word that is spelled backwards.
type backward struct {
	end     int
	guesses float64
}

const (
	// maxParts is enough: 14 parts cost at least 14! guesses, which exceeds the limit.
	maxParts = 14
	// minSingle and minPart are the least costs of a part that is not the whole password:
	// an attacker does not know where it begins and ends (as in zxcvbn).
	minSingle, minPart = 10, 50
)

const (
	infinity = math.MaxFloat64
	// logLimit is where every estimate stops; it exceeds the highest threshold.
	logLimit = 11 * math.Ln10
)

// factorial[l] is the logarithm of l!.
var factorial = [maxParts + 1]float64{
	0, 0, 0.6931, 1.7918, 3.1781, 4.7875, 6.5793, 8.5252, 10.6046, 12.8018, 15.1044, 17.5023, 19.9872, 22.5522, 25.1912,
}

var (
	knownSequences = sync.OnceValue(newSequences)
	knownDisguises = sync.OnceValue(disguises)
)

// solve returns the logarithm of the guesses, at most the limit.
func (s *solver) solve() float64 {
	n := len(s.text)
	if n == 0 {
		return 0
	}
	s.prepare()
	for i := range n {
		if i > s.reach {
			return s.limit // every division costs more than the limit
		}
		if s.least(i) < s.limit {
			s.bruteForce(i)
			s.searchBackwards(i)
			s.partsFrom(i)
		}
	}
	return min(s.least(n), s.limit)
}

func (s *solver) prepare() {
	n := len(s.text)
	s.cost = make([][2][maxParts + 1]float64, n+1)
	for i := range s.cost {
		for k := range s.cost[i] {
			for l := range s.cost[i][k] {
				s.cost[i][k][l] = infinity
			}
		}
	}
	s.cost[0][0][0] = 0
	s.words = lists()
	for _, w := range s.context {
		if len(w) > 0 {
			s.begin |= 1 << (w[0] & 63)
		}
	}
	s.copies = newCopies(s.text)
	s.work += n * copyWindow
	s.backward = make([][]backward, n+1)
	var made shelf
	s.back = reversed(s.text, &made)
	all := knownDisguises()
	s.disguised = make([]disguised, 0, len(all)/2)
	for i := range all {
		if read := all[i].of(s.text, &made); read != nil {
			back := reversed(read, &made)
			s.disguised = append(s.disguised, disguised{&all[i], read, back, distances(s.text, read, &made), distances(s.back, back, &made)})
		}
		s.work += n
	}
}

// shelf takes the memory of many short lists at once.
type shelf []rune

// list returns a list of n zeros.
func (s *shelf) list(n int) []rune {
	if len(*s) < n {
		*s = make([]rune, max(1024, 4*n))
	}
	list := (*s)[:n:n]
	*s = (*s)[n:]
	return list
}

func (s *shelf) clone(list []rune) []rune {
	c := s.list(len(list))
	copy(c, list)
	return c
}

// distances returns, for each place, the distance to the next place where a and b differ.
func distances(a, b []rune, lists *shelf) []int32 {
	d := lists.list(len(a) + 1)
	d[len(a)] = math.MaxInt32
	for i := len(a) - 1; i >= 0; i-- {
		if d[i] = d[i+1] + 1; a[i] != b[i] {
			d[i] = 0
		}
	}
	return d
}

// least returns the least cost of the first i characters.
func (s *solver) least(i int) float64 {
	best := infinity
	for _, costs := range s.cost[i] {
		for l, c := range costs {
			best = min(best, c+factorial[l])
		}
	}
	return best
}

// part offers the characters from i to j as one part.
func (s *solver) part(i, j int, guesses float64) {
	switch whole := i == 0 && j == len(s.text); {
	case whole:
	case j-i == 1:
		guesses = max(guesses, minSingle)
	default:
		guesses = max(guesses, minPart)
	}
	s.push(i, j, math.Log(max(guesses, 1)), 0)
}

// push offers a part after every division of the first i characters.
func (s *solver) push(i, j int, cost float64, kind int) {
	s.work += maxParts
	for l := range maxParts {
		c := min(s.cost[i][0][l], s.cost[i][1][l]) + cost
		if c+factorial[l+1] < s.limit && c < s.cost[j][kind][l+1] {
			s.cost[j][kind][l+1] = c
			s.reach = max(s.reach, j)
		}
	}
}

// bruteForce offers the character at i, as a part or as more of the last part.
func (s *solver) bruteForce(i int) {
	cost := math.Log(bruteForce(s.text[i]))
	for l := 1; l <= maxParts; l++ {
		c := s.cost[i][1][l] + cost
		if c+factorial[l] < s.limit && c < s.cost[i+1][1][l] {
			s.cost[i+1][1][l] = c
			s.reach = max(s.reach, i+1)
		}
	}
	if i == 0 || s.leastOf(i, 0) < s.limit {
		from := s.cost[i][1]
		s.cost[i][1] = [maxParts + 1]float64{}
		for l := range s.cost[i][1] {
			s.cost[i][1][l] = infinity
		}
		s.push(i, i+1, cost, 1)
		s.cost[i][1] = from
	}
}

func (s *solver) leastOf(i, kind int) float64 {
	best := infinity
	for l, c := range s.cost[i][kind] {
		best = min(best, c+factorial[l])
	}
	return best
}

// partsFrom offers every part that begins at i.
func (s *solver) partsFrom(i int) {
	rest := s.text[i:]
	s.work += knownSequencesFind(rest, func(n int, g float64) { s.part(i, i+n, g) })
	s.work += date(rest, func(n int, g float64) { s.part(i, i+n, g) })
	s.work += pinyin(rest, func(n int, g float64) { s.part(i, i+n, g) })
	for d := 1; d <= min(i, copyWindow); d++ {
		if n := int(s.copies[i][d-1]); n >= 2 || n >= 1 && n == d {
			s.push(i, i+n, math.Log(copyGuesses(n, d)), 0)
		}
	}
	s.work += keyTables().walk(rest, func(n int, g float64) { s.part(i, i+n, g) })
	for _, w := range s.backward[i] {
		s.part(i, w.end, w.guesses)
	}
	seen := s.wordsFrom(rest, 1, func(n int, g float64) { s.part(i, i+n, g) })
	for k := range s.disguised {
		d := &s.disguised[k]
		read := d.text[i:]
		if d.words && int(d.changed[i]) < seen {
			s.wordsFrom(read, disguiseFactor, func(n int, g float64) { s.part(i, i+n, g) })
		}
		if d.walks {
			s.work += keyTables().walk(read, func(n int, g float64) { s.part(i, i+n, g) })
			s.work += knownSequencesFind(read, func(n int, g float64) { s.part(i, i+n, g) })
		}
	}
}

func knownSequencesFind(text []rune, found func(int, float64)) int {
	return knownSequences().find(text, found)
}

// maxWord is the longest word that is searched for, in characters.
const maxWord = 40

// wordsFrom calls found for each word at the start of text, and returns how many characters
// it read.
func (s *solver) wordsFrom(text []rune, factor float64, found func(n int, guesses float64)) (seen int) {
	text = text[:min(len(text), maxWord)]
	seen = s.words.find(text, func(n int, rank float64) { found(n, rank*factor) })
	s.work += seen
	if len(text) == 0 || s.begin>>(text[0]&63)&1 == 0 {
		return max(seen, 1)
	}
	for rank, w := range s.context {
		n := common(text, w)
		if n == len(w) && n > 1 {
			found(n, float64(rank+1)*factor)
		}
		seen = max(seen, n+1)
		s.work += n + 1
	}
	return seen
}

// searchBackwards searches for the words that are spelled backwards and end at most
// maxWord characters after i, and keeps them until their beginning is reached.
func (s *solver) searchBackwards(i int) {
	for ; s.searched <= min(len(s.text), i+maxWord); s.searched++ {
		end := s.searched
		found := func(n int, guesses float64) {
			if n > 2 {
				s.backward[end-n] = append(s.backward[end-n], backward{end, guesses})
			}
		}
		at := len(s.text) - end
		seen := s.wordsFrom(s.back[at:], disguiseFactor, found)
		for k := range s.disguised {
			if d := &s.disguised[k]; d.words && int(d.changedBackward[at]) < seen {
				s.wordsFrom(d.back[at:], disguiseFactor, found)
			}
		}
	}
}

func reversed(text []rune, lists *shelf) []rune {
	r := lists.clone(text)
	slices.Reverse(r)
	return r
}

// common returns how many characters a and b have in common at their starts.
func common(a, b []rune) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
