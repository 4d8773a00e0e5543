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
	"unicode/utf8"
)

//go:embed lists/english.gz lists/*.txt
var embedded embed.FS

// words is a set of words, each with a rank. It keeps only hashes, so it takes about one
// text in a billion for a word that is none.
type words struct {
	begun  []uint64 // a bit for each hash of what words begin with, and of others by chance
	shift  uint
	prints []uint32 // an open hash table of parts of the words' hashes
	ranks  []uint8  // the logarithm to base 2 of each word's rank, and one; 0 for a free place
}

// hashed returns the hash of a text that goes on with r.
func hashed(hash uint64, r rune) uint64 {
	return (hash ^ uint64(r)) * 0x9e3779b97f4a7c15 //nolint:gosec // any odd number does; this one is 2^64 divided by the golden ratio
}

// newWords reads packed lists: after each word stands one capital letter for its rank (see
// pack.go). Words are folded, so that no word has a capital letter in it.
func newWords(text string) *words {
	count := uint(0)
	for i := range len(text) {
		if capital(text[i]) {
			count++
		}
	}
	size := 1 << bits.Len(2*count) // a quarter to a half is used
	w := &words{begun: make([]uint64, size/4), shift: uint(64 - bits.Len(2*count)), prints: make([]uint32, size), ranks: make([]uint8, size)}
	hash := uint64(0)
	for _, r := range text {
		if r < utf8.RuneSelf && capital(byte(r)) {
			w.add(hash, byte(r)-'A'+1)
			hash = 0
			continue
		}
		hash = hashed(hash, r)
		bit := w.bit(hash)
		w.begun[bit>>6] |= 1 << (bit & 63)
	}
	return w
}

// bit returns the place of a hash in begun, which has 16 bits for each place of the table.
func (w *words) bit(hash uint64) uint64 { return hash >> (w.shift - 4) }

// place returns the place of a word, or the free place where it belongs.
func (w *words) place(hash uint64) uint64 {
	mask := uint64(len(w.ranks) - 1)
	for i := hash >> w.shift; ; i = (i + 1) & mask {
		if w.ranks[i] == 0 || w.prints[i] == uint32(hash) { //nolint:gosec // a part of the hash
			return i
		}
	}
}

// add adds a word. The lowest rank of a word counts.
func (w *words) add(hash uint64, rank uint8) {
	i := w.place(hash)
	if old := w.ranks[i]; old == 0 || rank < old {
		w.prints[i], w.ranks[i] = uint32(hash), rank //nolint:gosec // a part of the hash
	}
}

// find calls found for each word that begins at the start of text, with its
// length in runes and its rank. It returns how many characters it looked at: what
// comes after them makes no difference.
func (w *words) find(text []rune, found func(length int, rank float64)) (seen int) {
	hash := uint64(0)
	for i, r := range text {
		hash = hashed(hash, r)
		if bit := w.bit(hash); w.begun[bit>>6]>>(bit&63)&1 == 0 {
			return i + 1
		}
		if rank := w.ranks[w.place(hash)]; rank > 0 {
			found(i+1, float64(uint64(1)<<(rank-1)))
		}
	}
	return len(text)
}

// lists loads the lists at the first estimate.
var lists = sync.OnceValue(func() *words { return newWords(english() + own()) })

func english() string {
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
	return b.String()
}

// own unites the lists of this project's own, and adds what follows from them.
func own() string {
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
	return b.String()
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
