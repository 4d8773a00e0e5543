package identity

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/seed-16109ab2/rekey/sms"
)

// writer renders messages in the language that suits a caller best.
type writer struct {
	texts    Texts
	langs    []string // as the matcher numbers them, the default first
	matcher  language.Matcher
	service  string
	contact  string // Config.SupportContact
	lastLine func(code string) string
}

func newWriter(c *Config) *writer {
	w := &writer{texts: c.Texts, service: c.ServiceName, contact: c.SupportContact, langs: []string{c.DefaultLanguage}}
	for _, lang := range slices.Sorted(maps.Keys(c.Texts)) {
		if lang != c.DefaultLanguage {
			w.langs = append(w.langs, lang)
		}
	}
	tags := make([]language.Tag, len(w.langs))
	for i, lang := range w.langs {
		tags[i] = language.Make(lang)
	}
	w.matcher = language.NewMatcher(tags)
	switch {
	case c.OriginDomain != "":
		w.lastLine = func(code string) string { return "\n@" + c.OriginDomain + " #" + code }
	case c.AndroidAppHash != "":
		w.lastLine = func(string) string { return "\n" + c.AndroidAppHash }
	default:
		w.lastLine = func(string) string { return "" }
	}
	return w
}

func (w *writer) language(asked string) string {
	const longest = 64 // of any sensible tag; parsing more is work for nothing
	if len(asked) > longest {
		return w.langs[0]
	}
	_, i, confidence := w.matcher.Match(language.Make(asked))
	if confidence == language.No {
		i = 0
	}
	return w.langs[i]
}

func (w *writer) code(lang string, p Purpose, params map[string]string) string {
	m := w.texts[lang]
	text, ok := m.Code[p]
	if !ok {
		text = m.Code[""]
	}
	return w.render(lang, m.Prefix, text, params) + w.lastLine(params["code"])
}

func (w *writer) passwordChanged(lang string, params map[string]string) string {
	m := w.texts[lang]
	return w.render(lang, m.Prefix, m.PasswordChanged, params)
}

func (w *writer) numberTaken(lang string) string {
	m := w.texts[lang]
	return w.render(lang, m.Prefix, m.NumberTaken, nil)
}

func (w *writer) render(lang, prefix, text string, params map[string]string) string {
	if w.service != "" {
		text = prefix + text
	}
	// Digits alone keep their order in a text that runs from right to left; a
	// name in Latin letters and a date do not. The code gets no such characters, so
	// that it can be copied.
	isolate := func(s string) string { return s }
	if rightToLeft(lang) {
		isolate = func(s string) string { return "\u2068" + s + "\u2069" } // FSI, PDI: Unicode UAX #9, section 2.4
	}
	contact := w.contact
	if contact == "" {
		contact = w.texts[lang].Contact
	}
	pairs := []string{"{service}", isolate(w.service), "{contact}", isolate(contact)}
	for name, value := range params {
		if name == "time" {
			value = isolate(value)
		}
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func rightToLeft(lang string) bool {
	script, _ := language.Make(lang).Script()
	return slices.Contains([]string{"Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"}, script.String())
}

// showsAsWritten reports whether nothing in a text changes how the rest is shown.
// "\u202e" would reverse a line, and a name with it could look like a code.
func showsAsWritten(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		// Marks such as U+200E give a direction to one place and are fine; embeddings,
		// overrides and isolates (UAX #9, sections 2.1 to 2.4) reach further.
		return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	})
}

var (
	hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
	appHash  = regexp.MustCompile(`^[A-Za-z0-9+/]{11}$`)
)

// TextLength says how long a message can get.
type TextLength struct {
	Language string
	Kind     sms.Kind
	Purpose  Purpose // of a code; empty for purposes that Texts does not list
	Length   sms.Length
}

// TextLengths returns the length of each configured message, with a code of the
// configured length, the service name and the last line, by language, kind and
// purpose. A provider charges a text of more than one segment more than once.
// TextLengths needs no Store, SMS and Secret; the rest of c must be free of faults.
func (c Config) TextLengths() []TextLength {
	c = c.WithDefaults()
	w := newWriter(&c)
	code := map[string]string{
		"code":    strings.Repeat("0", c.CodeDigits),
		"minutes": strconv.Itoa(minutes(c.CodeLifetime)),
	}
	changed := map[string]string{"time": time.Unix(0, 0).UTC().Format(noticeTime)}
	var lengths []TextLength
	for _, lang := range slices.Sorted(maps.Keys(c.Texts)) {
		for _, p := range slices.Sorted(maps.Keys(c.Texts[lang].Code)) {
			lengths = append(lengths, TextLength{lang, sms.KindVerifyCode, p, sms.Measure(w.code(lang, p, code))})
		}
		if c.NotifyTakenNumbers {
			lengths = append(lengths, TextLength{lang, sms.KindNumberTaken, "", sms.Measure(w.numberTaken(lang))})
		}
		lengths = append(lengths, TextLength{lang, sms.KindPasswordChanged, "", sms.Measure(w.passwordChanged(lang, changed))})
	}
	return lengths
}

// TextLengths is [Config.TextLengths] of the service's configuration. Safe for
// concurrent use.
func (s *Service) TextLengths() []TextLength { return s.cfg.TextLengths() }

// noticeTime is the layout of the time in a notice.
const noticeTime = "2006-01-02 15:04 UTC"

// minutes returns a lifetime in minutes, rounded up, so that no text says that a code
// lives for 0 minutes.
func minutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }
