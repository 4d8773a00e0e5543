package strength

import (
	"compress/gzip"
	"embed"
	"io"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed lists/english.gz lists/*.txt
var embedded embed.FS

// words is a sorted list: after each word stands one capital letter for its rank
// (see pack.go). Words are folded, so that no word has a capital letter in it.
type words struct {
	text  string
	first map[[2]rune]span // where the words are that begin with two letters
}

type span struct{ lo, hi int }

func newWords(text string) *words {
	w := &words{text, map[[2]rune]span{}}
	for i := 0; i < len(text); {
		r0, n := utf8.DecodeRuneInString(text[i:])
		r1, m := utf8.DecodeRuneInString(text[i+n:])
		hi := w.from(i, len(text), text[i:i+n+m], true)
		w.first[[2]rune{r0, r1}] = span{i, hi}
		i = hi
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

// entry is the word at byte i, or the one that byte i lies in.
func (w *words) entry(i int) (start, end int) {
	for start = i; start > 0 && !capital(w.text[start-1]); start-- {
	}
	for end = i; !capital(w.text[end]); end++ {
	}
	return start, end
}

// from is where the words begin, between lo and hi, that are not less than
// prefix; or, with past, that are greater and do not begin with it.
func (w *words) from(lo, hi int, prefix string, past bool) int {
	for lo < hi {
		start, end := w.entry((lo + hi) / 2)
		word := w.text[start:end]
		if word < prefix || past && strings.HasPrefix(word, prefix) {
			lo = end + 1
		} else {
			hi = start
		}
	}
	return lo
}

// find calls found for each word that begins at the start of text, with its
// length in runes and its rank. It returns how many characters it looked at: what
// comes after them makes no difference.
func (w *words) find(text []rune, found func(length int, rank float64)) (seen int) {
	if len(text) < 2 {
		return len(text)
	}
	within, ok := w.first[[2]rune{text[0], text[1]}]
	if !ok {
		return 2
	}
	var buffer [4 * maxWord]byte
	prefix := utf8.AppendRune(utf8.AppendRune(buffer[:0], text[0]), text[1])
	for n := 2; ; n++ {
		if end := within.lo + len(prefix); capital(w.text[end]) {
			found(n, math.Exp2(float64(w.text[end]-'A')))
		}
		if n == len(text) {
			return n
		}
		prefix = utf8.AppendRune(prefix, text[n])
		p := string(prefix)
		within.lo = w.from(within.lo, within.hi, p, false)
		if within.lo == within.hi || !strings.HasPrefix(w.text[within.lo:], p) {
			return n + 1
		}
		within.hi = w.from(within.lo, within.hi, p, true)
	}
}
