package strength

import (
	"compress/gzip"
	"embed"
	"io"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed lists/english.gz lists/*.txt
var embedded embed.FS

// words is a sorted list: after each word stands one capital letter for its rank
// (see pack.go). Words are folded, so that no word has a capital letter in it.
type words struct {
	text   string
	starts []uint32         // where each word begins, and where the last one ends
	first  map[[2]rune]span // the words that begin with two letters
	ascii  [1 << 14]bool    // whether first has two ASCII letters: faster than the map
}

// span is words from index lo up to, but not including, hi.
type span struct{ lo, hi int }

func newWords(text string) *words {
	w := &words{text: text, first: map[[2]rune]span{}}
	count := 0
	for i := range len(text) {
		if capital(text[i]) {
			count++
		}
	}
	w.starts = make([]uint32, 1, count+1)
	for i := range len(text) {
		if capital(text[i]) {
			w.starts = append(w.starts, uint32(i+1)) //nolint:gosec // lists are far shorter than 4 GiB
		}
	}
	for i := range count {
		r0, n := utf8.DecodeRuneInString(text[w.starts[i]:])
		r1, _ := utf8.DecodeRuneInString(text[int(w.starts[i])+n:])
		within, known := w.first[[2]rune{r0, r1}]
		if !known {
			within.lo = i
		}
		w.first[[2]rune{r0, r1}] = span{within.lo, i + 1}
		if max(r0, r1) <= unicode.MaxASCII {
			w.ascii[r0<<7|r1] = true
		}
	}
	return w
}

// lists loads the lists at the first estimate.
var lists = sync.OnceValue(func() [2]*words { return [2]*words{english(), own()} })

func english() *words {
	f, err := embedded.Open("lists/english.gz")
	if err != nil {
		panic(err) // it is embedded
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		panic(err)
	}
	var b strings.Builder
	b.Grow(800 << 10)
	if _, err := io.Copy(&b, z); err != nil {
		panic(err)
	}
	return newWords(b.String())
}

// own unites the lists of this project's own, and adds what follows from them.
func own() *words {
	ranks := map[string]int{}
	add := func(word string, rank int) {
		if old, ok := ranks[word]; len([]rune(word)) > 1 && (!ok || rank < old) {
			ranks[word] = rank
		}
	}
	for _, name := range []string{"zh", "ru", "other"} {
		for i, word := range strings.Fields(file(name)) {
			word = Fold(word)
			add(word, i+1)
			bare := string(unmark([]rune(word)))
			add(bare, i+1)
			if keys, ok := hangulKeys([]rune(word)); ok {
				add(string(keys), i+1)
			}
			for _, latin := range transliterate(bare) {
				add(latin, 2*(i+1))
			}
		}
	}
	for line := range strings.Lines(file("numbers")) {
		count := ""
		for i, word := range strings.Fields(line) {
			add(Fold(word), 100)
			if count += Fold(word); i > 0 {
				add(count, 100)
				add(string(unmark([]rune(count))), 100)
			}
		}
	}
	var b strings.Builder
	for _, word := range slices.Sorted(maps.Keys(ranks)) {
		b.WriteString(word)
		b.WriteByte('A' + byte(bits.Len(uint(ranks[word]-1))))
	}
	return newWords(b.String())
}

func file(name string) string {
	b, err := embedded.ReadFile("lists/" + name + ".txt")
	if err != nil {
		panic(err) // it is embedded
	}
	return string(b)
}

// capital says that c ends a word.
func capital(c byte) bool { return 'A' <= c && c <= 'Z' }

// find calls found for each word that begins at the start of text, with its
// length in runes and its rank. It returns how many characters it looked at: what
// comes after them makes no difference.
func (w *words) find(text []rune, found func(length int, rank float64)) (seen int) {
	if len(text) < 2 {
		return len(text)
	}
	if max(text[0], text[1]) <= unicode.MaxASCII && !w.ascii[text[0]<<7|text[1]] {
		return 2
	}
	within, ok := w.first[[2]rune{text[0], text[1]}]
	if !ok {
		return 2
	}
	depth := utf8.RuneLen(text[0]) + utf8.RuneLen(text[1]) // bytes that all words within share
	for n := 2; ; n++ {
		if end := w.text[int(w.starts[within.lo])+depth]; capital(end) { // the shortest word comes first
			found(n, float64(uint64(1)<<(end-'A')))
			within.lo++
		}
		if n == len(text) {
			return n
		}
		next := string(text[n])
		if within = w.narrow(within, depth, next); within.lo == within.hi {
			return n + 1
		}
		depth += len(next)
	}
}

// narrow returns those of the words within that continue with next after their first
// depth bytes. All of them are longer than depth.
func (w *words) narrow(within span, depth int, next string) span {
	from := func(lo, hi int, past bool) int {
		for lo < hi {
			middle := (lo + hi) / 2
			at, end := int(w.starts[middle])+depth, int(w.starts[middle+1])-1
			if there := w.text[at:min(at+len(next), end)]; there < next || past && there == next {
				lo = middle + 1
			} else {
				hi = middle
			}
		}
		return lo
	}
	within.lo = from(within.lo, within.hi, false)
	within.hi = from(within.lo, within.hi, true)
	return within
}
