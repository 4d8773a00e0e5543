package identity

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Texts are the messages by BCP 47 language.
type Texts map[string]Templates

// Templates are the messages in one language. Placeholders: {code} and {minutes}
// in Code, {time} in PasswordChanged, {contact} in PasswordChanged and
// NumberTaken, {service} in all.
type Templates struct {
	// Code by purpose; the empty purpose stands for all that are not listed.
	Code map[Purpose]string
	// PasswordChanged is the notice after a reset: what happened, when, and what
	// to do if another person did it.
	PasswordChanged string
	// Contact stands for {contact} where Config.SupportContact is empty, such as
	// "support".
	Contact string
	// NumberTaken is what Config.NotifyTakenNumbers sends.
	NumberTaken string
	// Prefix stands before every message if Config.ServiceName is set.
	Prefix string
}

// DefaultTexts returns the shipped messages: English ("en") and Chinese ("zh"),
// each of one SMS segment with a short service name. The caller may change them.
func DefaultTexts() Texts {
	return Texts{
		"en": {
			Code: map[Purpose]string{
				PurposeForgotPassword: "{code} is your code to set a new password. It is valid for {minutes} min. Never tell it to anyone.",
				"":                    "{code} is your verification code. It is valid for {minutes} min. Never tell it to anyone.",
			},
			PasswordChanged: "Your password was changed at {time}. If this was not you, set a new one now and contact {contact}.",
			Contact:         "support",
			NumberTaken:     "Someone tried to register this number, which has an account already. Forgot the password? Set a new one. If this was not you, ignore this.",
			Prefix:          "[{service}] ",
		},
		"zh": {
			Code: map[Purpose]string{
				PurposeForgotPassword: "验证码 {code}，用于重设密码，{minutes} 分钟内有效。切勿告诉任何人。",
				"":                    "验证码 {code}，{minutes} 分钟内有效。切勿告诉任何人。",
			},
			PasswordChanged: "您的密码已于 {time} 修改。如非本人操作，请立即重设密码并联系{contact}。",
			Contact:         "客服",
			NumberTaken:     "有人尝试用此号码注册，但该号码已有账户。忘记密码可重设；如非本人操作，请忽略。",
			Prefix:          "【{service}】",
		},
	}
}

func (m Templates) asksForContact() bool {
	return strings.Contains(m.PasswordChanged+m.NumberTaken, "{contact}")
}

func (t Texts) clone() Texts {
	if t == nil {
		return nil
	}
	c := make(Texts, len(t))
	for lang, m := range t {
		m.Code = maps.Clone(m.Code)
		c[lang] = m
	}
	return c
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func (t Texts) faults(fault func(bad bool, field, format string, args ...any)) {
	for _, lang := range slices.Sorted(maps.Keys(t)) {
		m, field := t[lang], "Texts["+lang+"]"
		_, err := language.Parse(lang)
		fault(err != nil, field, "is not a BCP 47 language")
		_, ok := m.Code[""]
		fault(!ok, field+".Code", "has no text for the empty purpose")
		for _, p := range slices.Sorted(maps.Keys(m.Code)) {
			code := fmt.Sprintf("%s.Code[%s]", field, p)
			templateFaults(fault, code, m.Code[p], "{code}", "{minutes}", "{service}")
			fault(strings.Count(m.Code[p], "{code}") != 1, code, "must contain {code} once")
		}
		fault(m.PasswordChanged == "", field+".PasswordChanged", "is missing")
		templateFaults(fault, field+".PasswordChanged", m.PasswordChanged, "{time}", "{contact}", "{service}")
		templateFaults(fault, field+".NumberTaken", m.NumberTaken, "{contact}", "{service}")
		templateFaults(fault, field+".Contact", m.Contact)
		templateFaults(fault, field+".Prefix", m.Prefix, "{service}")
	}
}

func templateFaults(fault func(bad bool, field, format string, args ...any), field, text string, known ...string) {
	if !showsAsWritten(strings.ReplaceAll(text, "\n", "")) {
		fault(true, field, "contains invalid UTF-8, control characters or bidirectional controls")
		return
	}
	for _, p := range placeholder.FindAllString(text, -1) {
		fault(!slices.Contains(known, p), field, "has the unknown placeholder %s", p)
	}
}
