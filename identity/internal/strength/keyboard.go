package strength

import (
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// usKeys is a US keyboard. A keyboard is written as the characters of its 47 keys, row by
// row.
const usKeys = "`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./"

// keyboards are those on which people type words meant for another keyboard: the Russian
// пароль is gfhjkm on a US keyboard. A blank stands for a key that types no character
// after folding, or more than one.
var keyboards = []string{
	"ё1234567890-=йцукенгшщзхъ\\фывапролджэячсмитьбю.",
	"'1234567890-=йцукенгшщзхї\\фівапролджєячсмитьбю.", // Ukrainian
	";1234567890-=/'קראטוןםפ][\\שדגכעיחלךף,זסבהנמצתץ.",
	"ذ1234567890-=ضصثقفغعهخحجد\\شسيبلاتنمكطئءؤر ىةوزظ",
	" 1234567890-=ضصثقفغعهخحجچ\\شسیبلاتنمکگظطزرذدپو./", // Persian
	"`1234567890-=;ςερτυθιοπ[]\\ασδφγηξκλ΄'ζχψωβνμ,./",
	"_ๅ/-ภถุึคตจขชๆไ พะัีรนยบลฃฟหกดเ้่าสวงผปแอิืทมใฝ",
	"ч1234567890-=яшертъуиопющьасдфгхйкл;'зжцвбнм,./",  // Bulgarian, Russian phonetic
	"`1234567890'+љњертзуиопшђжасдфгхјклчћѕџцвбнм,.-",  // Serbian
	"ё1234567890-=йцукенгшщзхъ\\фывапролджэячсмитьбю/", // Russian as Macs have it
	"`1234567890-=ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ[]\\ㅁㄴㅇㄹㅎㅗㅓㅏㅣ;'ㅋㅌㅊㅍㅠㅜㅡ,./", // Korean
	"ㄅㄉˇˋㄓˊ˙ㄚㄞㄢㄦ-=ㄆㄊㄍㄐㄔㄗㄧㄛㄟㄣ[]\\ㄇㄋㄎㄑㄕㄘㄨㄜㄠㄤ'ㄈㄌㄏㄒㄖㄙㄩㄝㄡㄥ", // Bopomofo
	"ろぬふあうえおやゆよわほへたていすかんなにらせ゛゜むちとしはきくまのりれけつさそひこみもねるめ",  // Japanese
}

// wordKeyboards is how many of the keyboards, from the first on, have words in the lists.
// A person who forgot to switch from a US keyboard may type such a word.
const wordKeyboards = 7

// latinKeyboards are those with the letters of usKeys in another order. Rows of
// their keys are walks.
var latinKeyboards = []string{
	"²1234567890)=azertyuiop^$*qsdfghjklmùwxcvbn,;:!",  // French
	"^1234567890ß´qwertzuiopü+#asdfghjklöäyxcvbnm,.-",  // German
	"`1234567890[]',.pyfgcrl/=\\aoeuidhtns-;qjkxbmwvz", // Dvorak
}

// shifted are the characters of usKeys with the shift key.
const shifted = "~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:\"ZXCVBNM<>?"

// tables holds what the first estimate computes from the keyboards.
type tables struct {
	unshift map[rune]rune
	toUS    []map[rune]rune // by keyboard: its characters to those of a US keyboard
	fromUS  []map[rune]rune
	latin   []map[rune]rune // of the latinKeyboards
	jamo    map[rune]string // one Korean letter to its keys
	at      [unicode.MaxASCII + 1]key
}

var keyTables = sync.OnceValue(newTables)

// key is where a key is, x in quarters of a key. All keys have ASCII characters.
type key struct {
	known  bool
	row, x int
}

func newTables() *tables {
	t := &tables{unshift: map[rune]rune{}, jamo: map[rune]string{}}
	us := []rune(usKeys)
	for i, r := range []rune(shifted) {
		if !unicode.IsUpper(r) {
			t.unshift[r] = us[i]
		}
	}
	for i, k := range append(keyboards[:len(keyboards):len(keyboards)], latinKeyboards...) {
		to, from := map[rune]rune{}, map[rune]rune{}
		for j, r := range []rune(k) {
			if r != ' ' && r != us[j] {
				to[r], from[us[j]] = us[j], r
			}
		}
		if i >= len(keyboards) {
			t.latin = append(t.latin, to)
			continue
		}
		t.toUS, t.fromUS = append(t.toUS, to), append(t.fromUS, from)
	}
	for keys, letters := range jamoKeys {
		for _, r := range letters {
			t.jamo[r] = keys
		}
	}
	// The offsets of the rows of a common keyboard, in quarters of a key.
	starts := []struct{ first, offset int }{{0, 0}, {13, 6}, {26, 7}, {37, 9}}
	for i, r := range us {
		for row, s := range starts {
			if i >= s.first {
				t.at[r] = key{true, row, 4*(i-s.first) + s.offset}
			}
		}
	}
	return t
}

// jamoKeys are the keys of the two-set Korean keyboard, by the initials, vowels and finals
// of decomposed syllables.
var jamoKeys = map[string]string{
	"r": "\u1100\u11a8", "R": "\u1101\u11a9", "rt": "\u11aa", "s": "\u1102\u11ab", "sw": "\u11ac", "sg": "\u11ad",
	"e": "\u1103\u11ae", "E": "\u1104", "f": "\u1105\u11af", "fr": "\u11b0", "fa": "\u11b1", "fq": "\u11b2", "ft": "\u11b3",
	"fx": "\u11b4", "fv": "\u11b5", "fg": "\u11b6", "a": "\u1106\u11b7", "q": "\u1107\u11b8", "Q": "\u1108", "qt": "\u11b9",
	"t": "\u1109\u11ba", "T": "\u110a\u11bb", "d": "\u110b\u11bc", "w": "\u110c\u11bd", "W": "\u110d", "c": "\u110e\u11be",
	"z": "\u110f\u11bf", "x": "\u1110\u11c0", "v": "\u1111\u11c1", "g": "\u1112\u11c2",
	"k": "\u1161", "o": "\u1162", "i": "\u1163", "O": "\u1164", "j": "\u1165", "p": "\u1166", "u": "\u1167", "P": "\u1168",
	"h": "\u1169", "hk": "\u116a", "ho": "\u116b", "hl": "\u116c", "y": "\u116d", "n": "\u116e", "nj": "\u116f", "np": "\u1170",
	"nl": "\u1171", "b": "\u1172", "m": "\u1173", "ml": "\u1174", "l": "\u1175",
}

// hangulKeys returns Korean text as it is typed on a US keyboard. ok is false if s holds
// no Korean.
func hangulKeys(s []rune) (keys []rune, ok bool) {
	for _, r := range s {
		if !unicode.Is(unicode.Hangul, r) {
			keys = append(keys, r)
			continue
		}
		for _, letter := range norm.NFD.String(string(r)) {
			if k, known := keyTables().jamo[letter]; known {
				ok = true
				for _, c := range k {
					keys = append(keys, unicode.ToLower(c))
				}
			}
		}
	}
	return keys, ok
}

// beside reports whether two keys touch, and the direction from one to the other.
func (t *tables) beside(a, b rune) (direction int, ok bool) {
	if a == b {
		return 0, true
	}
	if a > unicode.MaxASCII || b > unicode.MaxASCII {
		return 0, false
	}
	ka, kb := &t.at[a], &t.at[b]
	dx, dy := kb.x-ka.x, kb.row-ka.row
	if !ka.known || !kb.known || dy < -1 || dy > 1 || dx < -4 || dx > 4 || dy == 0 && dx != 4 && dx != -4 || dy != 0 && (dx == 4 || dx == -4) {
		return 0, false
	}
	return 16*dy + dx, true
}

// walkLength bounds a walk. Longer walks count as repetitions.
const walkLength = 64

// walk calls found for each walk over neighbouring keys from the start of text.
func (t *tables) walk(text []rune, found func(length int, guesses float64)) (steps int) {
	const start, ways = 47, 4.6 // the keys, and the neighbours of each on average
	direction, turns := 1<<20, 0
	for n := 1; n < min(len(text), walkLength); n++ {
		steps++
		d, ok := t.beside(text[n-1], text[n])
		if !ok {
			return steps
		}
		// Going on in one direction or pressing the same key again is not a turn.
		if d != direction && d != 0 {
			direction, turns = d, turns+1
		}
		if n >= 3 || n == 2 && turns == 1 {
			guesses := float64(start * (n + 1))
			for range turns {
				guesses *= ways
			}
			found(n+1, guesses)
		}
	}
	return steps
}
