package strength

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// The bound that the package promises, in steps of the innermost loops.
const maxWork = 6_000_000

func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	mixed := func(alphabet string) string {
		r, b := []rune(alphabet), strings.Builder{}
		for range MaxLength {
			b.WriteRune(r[random.IntN(len(r))])
		}
		return b.String()
	}
	for name, p := range map[string]string{
		"one letter":        strings.Repeat("a", MaxLength),
		"one character":     strings.Repeat("密", MaxLength),
		"two letters":       mixed("ab"),
		"l33t":              strings.Repeat("4@8({[<369]}>!|1l0$5+7%2", 50),
		"digits":            strings.Repeat("1234567890", 103),
		"ones":              mixed("1"),
		"binary":            mixed("01"),
		"a word":            strings.Repeat("password", 128),
		"words":             strings.Repeat("thethatthisthere", 64),
		"reversed":          strings.Repeat("drowssap", 128),
		"keys":              strings.Repeat("qwertyuiop", 103),
		"dates":             strings.Repeat("19901112", 128),
		"pinyin":            strings.Repeat("xianganaen", 103),
		"Russian":           strings.Repeat("пароль", 171),
		"ligatures":         strings.Repeat("ﷺ", MaxLength),
		"Korean":            strings.Repeat("ㅂㅈㄷㄱ비밀", 171),
		"marks":             "a" + strings.Repeat("\u0301", MaxLength-1),
		"lookalikes":        mixed("аaоoеeсcрp"),
		"every script":      mixed("aа密あ가اאαक1!ก"),
		"separators":        strings.Repeat("a-", 512),
		"format characters": strings.Repeat("\u200b", MaxLength),
		"not UTF-8":         strings.Repeat("\xff", MaxLength),
		"far too long":      strings.Repeat("a", 1<<20),
	} {
		if _, work := estimate(p, []string{"acme", "rekey", "12345678901"}, logLimit); work > maxWork {
			t.Errorf("%s: %d steps, want at most %d", name, work, maxWork)
		} else {
			t.Logf("%s: %d", name, work)
		}
	}
}

// A strong password is not read to its end: the length of a random password makes no
// difference except the basic cost of each character.
func TestWorkEndsWhenStrongEnough(t *testing.T) {
	t.Parallel()
	const random = "kV9#tWq2!mZr7&xLp4@dGy8$hNc5%jBf3^sTe6*wUa1(oIi0)"
	_, short := estimate(random, nil, logLimit)
	_, long := estimate(strings.Repeat(random, MaxLength/len(random)), nil, logLimit)
	if perCharacter := 1000; long > short+perCharacter*MaxLength {
		t.Errorf("%d steps for %d characters, %d for %d", short, len(random), long, MaxLength)
	}
}

func TestKeyboardsAreWhole(t *testing.T) {
	t.Parallel()
	for _, k := range append(append([]string{shifted}, keyboards...), latinKeyboards...) {
		if n := utf8.RuneCountInString(k); n != len(usKeys) {
			t.Errorf("%d keys, want %d: %s", n, len(usKeys), k)
		}
	}
}

// A word that no folded password can contain would be useless in the lists, and a
// capital letter ends a word. Each word is found with its rank, and no part of a word is
// taken for another one.
func TestLists(t *testing.T) {
	t.Parallel()
	ranks := map[string]float64{}
	for _, text := range []string{english(), own()} {
		last, n := "", 0
		for word, rest := "", text; rest != ""; n++ {
			end := strings.IndexFunc(rest, func(r rune) bool { return 'A' <= r && r <= 'Z' })
			if word = rest[:end]; word <= last || !utf8.ValidString(word) {
				t.Fatalf("%q after %q", word, last)
			}
			rank := math.Exp2(float64(rest[end] - 'A'))
			if old, twice := ranks[word]; !twice || rank < old {
				ranks[word] = rank
			}
			last, rest = word, rest[end+1:]
		}
		if n < 2000 {
			t.Errorf("a list has %d words", n)
		}
	}
	for word := range ranks {
		letters := []rune(word)
		found := map[string]float64{}
		if seen := lists().find(append(letters, '\x00'), func(n int, rank float64) { found[string(letters[:n])] = rank }); seen <= len(letters)-1 {
			t.Fatalf("of %q, %d characters were read", word, seen)
		}
		for n := range letters {
			if part := string(letters[:n+1]); found[part] != ranks[part] {
				t.Errorf("%q has the rank %g, want %g", part, found[part], ranks[part])
			}
		}
	}
}

func FuzzScore(f *testing.F) {
	for _, seed := range []string{"", "password", "пароль12", "密码", "\xff", "ﷺ", "1990-01-01", "\u0301", "비밀번호", "a\u200bb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		_, work := estimate(p, []string{"acme"}, logLimit)
		if work > maxWork {
			t.Fatalf("%d steps", work)
		}
		score := Score(p, []string{"acme"})
		for least := range 6 {
			if Reaches(p, []string{"acme"}, least) != (score >= least) {
				t.Fatalf("%q scores %d, and Reaches disagrees for %d", p, score, least)
			}
		}
		if again := Score(strings.ToLower(p), []string{"acme"}); utf8.ValidString(p) && Fold(p) == Fold(strings.ToLower(p)) && again > score+1 {
			t.Fatalf("%q scores %d, in lower case %d", p, score, again)
		}
	})
}

// The cost of the first estimate.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newWords(english() + own())
		newSequences()
		newTables()
		disguises()
	}
}
