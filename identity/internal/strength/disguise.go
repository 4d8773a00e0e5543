package strength

import (
	"strings"
	"unicode"
)

// disguise is another reading of a password, character by character, so that a part found
// in it has the same place in the password.
type disguise struct {
	read  func(rune) rune
	ascii [unicode.MaxASCII + 1]rune // what read returns for ASCII characters
	// walks says that the reading consists of keys, and is searched for walks.
	walks bool
	// words says that the reading is searched for words.
	words bool
}

// disguiseFactor is the factor by which a disguise multiplies the guesses for a part.
const disguiseFactor = 2

func disguises() []disguise {
	t := keyTables()
	table := func(m map[rune]rune, after func(rune) rune) func(rune) rune {
		return func(r rune) rune {
			r = after(r)
			if to, ok := m[r]; ok {
				return to
			}
			return r
		}
	}
	same := func(r rune) rune { return r }
	// Characters that replace a letter in l33t; 1, ! and 7 replace i and t, or l.
	leet := pairs("4a@a8b(c{c[c<c3e€e6g9g1i!i|i0o$s5s7t+t%x2z¡i£l")
	leetL := pairs("4a@a8b(c{c[c<c3e€e6g9g1l!l|l0o$s5s7l+t%x2z")
	leetCyrillic := pairs("4ч@а3з0о6б1и9д!и$с8в7т")
	// Letters of other scripts that look like Latin ones, and the other way round.
	toLatin := pairs("аaбbвbгrдdеeёeиuіiїiкkмmнhоoрpсcтtуyүyхxһhѕsјjԁdԛqԝwьbяrпn" +
		"αaβbγyδdεeζzηnθoιiκkλlμuνvοoπnρpσsςsτtυuφfχxψyωwɑaɡgɩiʀrսuոnօoհhցg")
	toCyrillic := pairs("aаbвcсeеhнiіjјkкmмoоpрsѕtтuиxхyуrгnпdд")
	all := []disguise{
		{read: plain, words: true},
		{read: table(leet, plain), words: true},
		{read: table(leetL, plain), words: true},
		{read: table(toLatin, plain), words: true},
		{read: table(leet, table(toLatin, plain)), words: true},
		{read: table(toCyrillic, same), words: true},
		{read: table(leetCyrillic, same), words: true},
		{read: table(t.unshift, same), walks: true, words: true},
	}
	for i := range t.toUS {
		all = append(all, disguise{read: table(t.unshift, table(t.toUS[i], same)), walks: true, words: true})
		if i < wordKeyboards {
			all = append(all, disguise{read: table(t.fromUS[i], same), words: true})
		}
	}
	for _, m := range t.latin {
		all = append(all, disguise{read: table(m, same), walks: true})
	}
	for i := range all {
		for r := range all[i].ascii {
			all[i].ascii[r] = all[i].read(rune(r))
		}
	}
	return all
}

// of returns the text in the disguise, or nil if the disguise changes nothing.
func (d *disguise) of(text []rune, lists *shelf) (read []rune) {
	for i, r := range text {
		to := rune(0)
		if r <= unicode.MaxASCII {
			to = d.ascii[r]
		} else {
			to = d.read(r)
		}
		if to == r {
			continue
		}
		if read == nil {
			read = lists.clone(text)
		}
		read[i] = to
	}
	return read
}

func pairs(s string) map[rune]rune {
	m := map[rune]rune{}
	r := []rune(s)
	for i := 0; i+1 < len(r); i += 2 {
		m[r[i]] = r[i+1]
	}
	return m
}

// transliterate spells Russian words in Latin letters, in the ways that people use.
func transliterate(word string) []string {
	if !strings.ContainsFunc(word, func(r rune) bool { return 'а' <= r && r <= 'я' }) {
		return nil
	}
	return []string{latinISO.Replace(word), latinChat.Replace(word)}
}

var (
	latinISO = strings.NewReplacer("а", "a", "б", "b", "в", "v", "г", "g", "д", "d", "е", "e", "ж", "zh", "з", "z",
		"и", "i", "й", "y", "к", "k", "л", "l", "м", "m", "н", "n", "о", "o", "п", "p", "р", "r", "с", "s", "т", "t",
		"у", "u", "ф", "f", "х", "kh", "ц", "ts", "ч", "ch", "ш", "sh", "щ", "shch", "ъ", "", "ы", "y", "ь", "",
		"э", "e", "ю", "yu", "я", "ya", "і", "i", "ї", "yi", "є", "ye", "ґ", "g")
	latinChat = strings.NewReplacer("а", "a", "б", "b", "в", "v", "г", "g", "д", "d", "е", "e", "ж", "j", "з", "z",
		"и", "i", "й", "i", "к", "k", "л", "l", "м", "m", "н", "n", "о", "o", "п", "p", "р", "r", "с", "s", "т", "t",
		"у", "u", "ф", "f", "х", "h", "ц", "c", "ч", "ch", "ш", "sh", "щ", "sch", "ъ", "", "ы", "i", "ь", "",
		"э", "e", "ю", "ju", "я", "ja", "і", "i", "ї", "i", "є", "e", "ґ", "g")
)
