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

// Text names a text of the page.
type Text string

// Texts are the page's texts by BCP 47 language. English ("en") and Chinese
// ("zh") are shipped complete.
type Texts map[string]map[Text]string

// The texts. Each may hold {service}; others that a text may hold stand beside it.
const (
	TextLanguageName Text = "language.name" // of the language, in itself
	TextLanguages    Text = "languages"     // what the switch is
	TextStep         Text = "step"          // {step}, {steps}
	TextErrorPrefix  Text = "error.prefix"  // before the title of a page with a fault

	TextNumberTitle Text = "number.title"
	TextNumberLead  Text = "number.lead"
	TextCountry     Text = "number.country"
	TextMobile      Text = "number.mobile"
	TextSendCode    Text = "number.send"
	TextHaveCode    Text = "number.have"
	TextHelp        Text = "number.help"

	TextCheckTitle    Text = "check.title"
	TextCheckLead     Text = "check.lead"
	TextCheckWorking  Text = "check.working"
	TextCheckStart    Text = "check.start"
	TextCheckNoScript Text = "check.noscript"

	TextCodeTitle    Text = "code.title"
	TextCodeSent     Text = "code.sent" // {number}, {minutes}
	TextCodeHave     Text = "code.have" // {number}
	TextCode         Text = "code.code"
	TextCodeHint     Text = "code.hint" // {digits}
	TextPassword     Text = "code.password"
	TextPasswordHint Text = "code.rules" // {min}
	TextShow         Text = "code.show"
	TextHide         Text = "code.hide"
	TextShowPassword Text = "code.show.label"
	TextStrength0    Text = "code.strength.0"
	TextStrength1    Text = "code.strength.1"
	TextStrength2    Text = "code.strength.2"
	TextStrength3    Text = "code.strength.3"
	TextTooShort     Text = "code.short" // {min}
	TextSave         Text = "code.save"
	TextSaving       Text = "code.saving"
	TextNoCode       Text = "code.none"
	TextResend       Text = "code.resend"
	TextResendIn     Text = "code.resend.in" // {wait}
	TextResendReady  Text = "code.resend.ready"
	TextOtherNumber  Text = "code.other"
	TextCodeFilled   Text = "code.filled"
	TextOffline      Text = "code.offline"

	TextDoneTitle  Text = "done.title"
	TextDoneLead   Text = "done.lead"
	TextDoneNotice Text = "done.notice"
	TextSignIn     Text = "done.signin"
	TextDoneAgain  Text = "done.again" // the code step of a way that is done
	TextStartAgain Text = "start.again"
	TextContinue   Text = "continue"

	TextSeconds Text = "wait.seconds" // {n}
	TextMinutes Text = "wait.minutes" // {n}
	TextHours   Text = "wait.hours"   // {n}

	FaultNumberBlank      Text = "fault.number.blank"
	FaultNumber           Text = "fault.number"
	FaultCodeBlank        Text = "fault.code.blank"
	FaultCode             Text = "fault.code"
	FaultPasswordBlank    Text = "fault.password.blank"
	FaultPasswordLength   Text = "fault.password.length"   // {min}, {max}
	FaultPasswordContains Text = "fault.password.contains" // {word}
	FaultPasswordNumber   Text = "fault.password.number"
	FaultPasswordReused   Text = "fault.password.reused"
	FaultPasswordWeak     Text = "fault.password.weak"
	FaultTooManySends     Text = "fault.sends"   // {wait}
	FaultTooManyGuesses   Text = "fault.guesses" // {wait}
	FaultBusy             Text = "fault.busy"    // {wait}
	FaultFailure          Text = "fault.failure"
	FaultCheck            Text = "fault.check"
	FaultExpired          Text = "fault.expired"
	FaultOtherTab         Text = "fault.tab"
	FaultResent           Text = "notice.resent" // no fault: another code is on its way; {number}

	NoticeCookiesTitle  Text = "notice.cookies.title"
	NoticeCookies       Text = "notice.cookies"
	NoticeForeignTitle  Text = "notice.foreign.title"
	NoticeForeign       Text = "notice.foreign"
	NoticeUnreadTitle   Text = "notice.unread.title"
	NoticeUnread        Text = "notice.unread"
	NoticeNotFoundTitle Text = "notice.path.title"
	NoticeNotFound      Text = "notice.path"
	NoticeFailureTitle  Text = "notice.failure.title"
)

// speaker holds the texts of each language on offer.
type speaker struct {
	tags    []language.Tag // the default first
	names   []string       // as configured, same order
	texts   []map[Text]string
	matcher language.Matcher
	order   []int // of the switch
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// newSpeaker merges the embedder's texts into the shipped ones, and returns
// every fault.
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
			merged[TextLanguageName] = name
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

func checkTexts(name string, texts, standard map[Text]string) (errs []error) {
	for _, t := range slices.Sorted(maps.Keys(texts)) {
		fault := func(what string) {
			errs = append(errs, fmt.Errorf("resetpage: Config.Texts[%q][%q]: %s", name, t, what))
		}
		text, ok := standard[t]
		if !ok {
			fault("no such text")
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

// language returns the number of the language to speak: the one that was chosen,
// or the closest to Accept-Language, or the default.
func (s *speaker) language(chosen, accept string) int {
	if i := slices.Index(s.names, chosen); i >= 0 {
		return i
	}
	// More than any browser sends; parsing more is work for nothing.
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

// direction is the value of HTML's dir.
func direction(tag language.Tag) string {
	script, _ := tag.Script()
	if slices.Contains([]string{"Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}
