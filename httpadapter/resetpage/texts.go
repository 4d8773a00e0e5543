package resetpage

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// Texts are the page's texts, by BCP 47 language and by name. English ("en") and Chinese
// ("zh") are shipped complete. The guide in docs/reset-page-look.md lists all names, such
// as "number.title", with the placeholders of each text. [New] refuses other names.
type Texts map[string]map[string]string

// The names of texts. Each text may hold {service}; its other placeholders are in the
// comment beside it.
const (
	textLanguageName = "language.name" // of the language, in itself
	textLanguages    = "languages"     // what the switch is
	textStep         = "step"          // {step}, {steps}
	textErrorPrefix  = "error.prefix"  // before the title of a page with a fault

	textNumberTitle = "number.title"
	textNumberLead  = "number.lead"
	textCountry     = "number.country"
	textMobile      = "number.mobile"
	textSendCode    = "number.send"
	textHaveCode    = "number.have"
	textHelp        = "number.help"

	textCheckTitle    = "check.title"
	textCheckLead     = "check.lead"
	textCheckWorking  = "check.working"
	textCheckStart    = "check.start"
	textCheckNoScript = "check.noscript"

	textCodeTitle    = "code.title"
	textCodeSent     = "code.sent" // {number}, {minutes}
	textCodeHave     = "code.have" // {number}
	textCode         = "code.code"
	textCodeHint     = "code.hint" // {digits}
	textPassword     = "code.password"
	textPasswordHint = "code.rules" // {min}
	textShow         = "code.show"
	textHide         = "code.hide"
	textShowPassword = "code.show.label"
	textStrength0    = "code.strength.0"
	textStrength1    = "code.strength.1"
	textStrength2    = "code.strength.2"
	textStrength3    = "code.strength.3"
	textTooShort     = "code.short" // {min}
	textSave         = "code.save"
	textSaving       = "code.saving"
	textNoCode       = "code.none"
	textResend       = "code.resend"
	textResendIn     = "code.resend.in" // {wait}
	textResendReady  = "code.resend.ready"
	textOtherNumber  = "code.other"
	textCodeFilled   = "code.filled"
	textOffline      = "code.offline"

	textDoneTitle  = "done.title"
	textDoneLead   = "done.lead"
	textDoneNotice = "done.notice"
	textSignIn     = "done.signin"
	textDoneAgain  = "done.again" // the code step after the password was changed
	textStartAgain = "start.again"
	textContinue   = "continue"

	textSeconds = "wait.seconds" // {n}
	textMinutes = "wait.minutes" // {n}
	textHours   = "wait.hours"   // {n}

	faultNumberBlank      = "fault.number.blank"
	faultNumber           = "fault.number"
	faultCodeBlank        = "fault.code.blank"
	faultCode             = "fault.code"
	faultPasswordBlank    = "fault.password.blank"
	faultPasswordLength   = "fault.password.length"   // {min}, {max}
	faultPasswordContains = "fault.password.contains" // {word}
	faultPasswordNumber   = "fault.password.number"
	faultPasswordReused   = "fault.password.reused"
	faultPasswordWeak     = "fault.password.weak"
	faultTooManySends     = "fault.sends"   // {wait}
	faultTooManyGuesses   = "fault.guesses" // {wait}
	faultBusy             = "fault.busy"    // {wait}
	faultFailure          = "fault.failure"
	faultCheck            = "fault.check"
	faultExpired          = "fault.expired"
	faultOtherTab         = "fault.tab"
	faultResent           = "notice.resent" // no fault: another code is on its way; {number}

	noticeCookiesTitle  = "notice.cookies.title"
	noticeCookies       = "notice.cookies"
	noticeForeignTitle  = "notice.foreign.title"
	noticeForeign       = "notice.foreign"
	noticeUnreadTitle   = "notice.unread.title"
	noticeUnread        = "notice.unread"
	noticeNotFoundTitle = "notice.path.title"
	noticeNotFound      = "notice.path"
	noticeFailureTitle  = "notice.failure.title"
)

// speaker holds the texts of each language on offer.
type speaker struct {
	tags    []language.Tag // the default first
	names   []string       // as configured, same order
	texts   []map[string]string
	matcher language.Matcher
	order   []int // of the switch
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// newSpeaker merges the application's texts into the shipped ones. The error joins all
// faults.
func newSpeaker(c *Config) (*speaker, error) {
	var errs []error
	shipped := shippedTexts()
	all := shippedTexts()
	for _, name := range slices.Sorted(maps.Keys(c.Texts)) {
		if _, err := language.Parse(name); err != nil {
			errs = append(errs, fmt.Errorf("resetpage: Config.Texts[%q]: not a BCP 47 language", name))
			continue
		}
		errs = append(errs, checkTexts(name, c.Texts[name], shipped["en"])...)
		merged := maps.Clone(all[name])
		if merged == nil {
			merged = maps.Clone(all["en"])
			merged[textLanguageName] = name
		}
		maps.Copy(merged, c.Texts[name])
		all[name] = merged
	}
	offered := slices.Clone(c.Languages)
	if len(offered) == 0 {
		offered = []string{"en", "zh"}
		for _, name := range slices.Sorted(maps.Keys(c.Texts)) {
			if !slices.Contains(offered, name) {
				offered = append(offered, name)
			}
		}
	}
	first := c.DefaultLanguage
	if first == "" {
		first = offered[0]
	}
	s := &speaker{}
	byDefault := []string{first}
	for _, name := range offered {
		if name != first {
			byDefault = append(byDefault, name)
		}
	}
	for _, name := range byDefault {
		texts, ok := all[name]
		if !ok {
			errs = append(errs, fmt.Errorf("resetpage: Config.Languages: there are no texts in %q", name))
			continue
		}
		s.tags, s.names, s.texts = append(s.tags, language.Make(name)), append(s.names, name), append(s.texts, texts)
	}
	if !slices.Contains(offered, first) {
		errs = append(errs, fmt.Errorf("resetpage: Config.DefaultLanguage %q is not among the languages on offer", first))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, name := range offered {
		s.order = append(s.order, slices.Index(byDefault, name))
	}
	s.matcher = language.NewMatcher(s.tags)
	return s, nil
}

func checkTexts(name string, texts, standard map[string]string) (errs []error) {
	for _, t := range slices.Sorted(maps.Keys(texts)) {
		fault := func(what string) {
			errs = append(errs, fmt.Errorf("resetpage: Config.Texts[%q][%q]: %s", name, t, what))
		}
		text, ok := standard[t]
		if !ok {
			fault("there is no text with this name")
			continue
		}
		if strings.TrimSpace(texts[t]) == "" || !utf8.ValidString(texts[t]) {
			fault("blank or not UTF-8")
		}
		for _, p := range placeholder.FindAllString(texts[t], -1) {
			if p != "{service}" && !strings.Contains(text, p) {
				fault("unknown placeholder " + p)
			}
		}
	}
	return errs
}

// language returns the number of the language to use: the chosen one, or the closest to
// Accept-Language, or the default.
func (s *speaker) language(chosen, accept string) int {
	if i := slices.Index(s.names, chosen); i >= 0 {
		return i
	}
	// No browser sends more.
	const longest = 256
	if len(accept) > longest {
		accept = accept[:strings.LastIndexByte(accept[:longest], ',')+1]
		accept = strings.TrimRight(accept, ", ")
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return 0
	}
	_, i, confidence := s.matcher.Match(wanted...)
	if confidence == language.No {
		return 0
	}
	return i
}

// direction returns the value of the HTML attribute dir.
func direction(tag language.Tag) string {
	script, _ := tag.Script()
	if slices.Contains([]string{"Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}
