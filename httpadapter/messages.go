package httpadapter

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// Message names a message. Up to a slash, if it has one, it is the error_code.
type Message string

// The messages, and the values of their placeholders.
const (
	MessageClientNotFound   Message = "APP.0001"
	MessageClientMissing    Message = "APP.0002"
	MessageClientDisabled   Message = "APP.0003"
	MessageParameterBlank   Message = "SDK.COMMON.1001" // {0}: the parameter's name
	MessageParameterFormat  Message = "SDK.COMMON.1002" // {0}: the parameter's name, or body, method, path
	MessageDeviceIncomplete Message = "SDK.COMMON.1003"
	MessageParameterType    Message = "SDK.COMMON.1007" // {0}: the parameter's name
	MessageBusy             Message = "SDK.COMMON.1008"
	MessageTooManyRequests  Message = "SDK.COMMON.1008/429"
	MessageInvalidMobile    Message = "USER.0038"
	MessageCaptchaWrong     Message = "CAPTCHA.0002"
	MessageCaptchaExpired   Message = "CAPTCHA.0003"
	MessageCodeRefused      Message = "SDK.SMS.1005"
	MessagePasswordLength   Message = "PWD.0002" // {0} and {1}: the fewest and the most characters
	MessagePasswordContains Message = "PWD.0003" // {0}: the word, or MessageTheMobileNumber
	MessagePasswordReused   Message = "PWD.0005"
	MessagePasswordWeak     Message = "PWD.0006"
	MessageTheMobileNumber  Message = "PWD.0003/number" // stands within MessagePasswordContains
	// MessageWrongCredentials is for routes of your own, see [WriteError].
	MessageWrongCredentials Message = "REKEY.0001"
)

// Messages are texts by BCP 47 language. English ("en") and Chinese ("zh") are shipped
// complete. X-L selects the closest available language: en-GB is answered in "en", zh-CN
// and zh_TW in "zh".
type Messages map[string]map[Message]string

func shippedMessages() Messages {
	return Messages{
		"en": {
			MessageClientNotFound:   "Application does not exist.",
			MessageClientMissing:    "Application ID required.",
			MessageClientDisabled:   "Application disabled.",
			MessageParameterBlank:   "Parameter {0} cannot be left blank.",
			MessageParameterFormat:  "The {0} parameter format is incorrect.",
			MessageDeviceIncomplete: "Device information is incomplete.",
			MessageParameterType:    "The {0} parameter type is incorrect.",
			MessageBusy:             "The system is busy. Try again later.",
			MessageTooManyRequests:  "Too many requests. Try again later.",
			MessageInvalidMobile:    "Invalid mobile number.",
			MessageCaptchaWrong:     "Invalid CAPTCHA code.",
			MessageCaptchaExpired:   "CAPTCHA token expired.",
			MessageCodeRefused:      "The SMS verification code is incorrect or has expired.",
			MessagePasswordLength:   "The password must have {0} to {1} characters.",
			MessagePasswordContains: "The password must not contain {0}.",
			MessagePasswordReused:   "The password was used before.",
			MessagePasswordWeak:     "The password is too easy to guess.",
			MessageTheMobileNumber:  "the mobile number",
			MessageWrongCredentials: "The mobile number or the password is incorrect.",
		},
		"zh": {
			MessageClientNotFound:   "应用不存在。",
			MessageClientMissing:    "应用ID不能为空。",
			MessageClientDisabled:   "应用已被禁用。",
			MessageParameterBlank:   "参数{0}不能为空。",
			MessageParameterFormat:  "参数{0}格式不正确。",
			MessageDeviceIncomplete: "设备信息不完整。",
			MessageParameterType:    "参数{0}类型不正确。",
			MessageBusy:             "系统繁忙，请稍后再试。",
			MessageTooManyRequests:  "请求过于频繁，请稍后再试。",
			MessageInvalidMobile:    "手机号无效。",
			MessageCaptchaWrong:     "图形验证码错误。",
			MessageCaptchaExpired:   "图形验证码令牌已过期。",
			MessageCodeRefused:      "短信验证码错误或已过期。",
			MessagePasswordLength:   "密码长度必须为{0}到{1}个字符。",
			MessagePasswordContains: "密码不能包含{0}。",
			MessagePasswordReused:   "不能使用曾经用过的密码。",
			MessagePasswordWeak:     "密码过于简单，容易被猜到。",
			MessageTheMobileNumber:  "手机号",
			MessageWrongCredentials: "手机号或密码错误。",
		},
	}
}

// translator translates messages into the language that suits a caller best.
type translator struct {
	texts   []map[Message]string // as the matcher numbers languages, the default first
	tags    []string
	matcher language.Matcher
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// newTranslator merges the application's messages into the shipped ones. The error joins
// all faults.
func newTranslator(custom Messages, defaultLanguage string) (*translator, error) {
	var errs []error
	all := shippedMessages()
	shipped := shippedMessages()
	closest := newMatcher("en", "zh")
	seen := make(map[string]string, len(custom)) // as written, by canonical form
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		errs = append(errs, checkMessages(name, custom[name])...)
		tag, err := language.Parse(name)
		if err != nil {
			errs = append(errs, optionFault("Options", "Messages[%q]: not a BCP 47 language", name))
			continue
		}
		key := tag.String()
		if other, ok := seen[key]; ok {
			errs = append(errs, optionFault("Options", "Messages[%q]: the same language as %q", name, other))
		}
		seen[key] = name
		if _, ok := all[key]; !ok {
			base := []string{"en", "zh"}[match(closest, key)]
			all[key] = maps.Clone(shipped[base])
		}
		maps.Copy(all[key], custom[name])
	}

	def, err := language.Parse(defaultLanguage)
	if _, ok := all[def.String()]; err != nil || !ok {
		errs = append(errs, optionFault("Options", "DefaultLanguage %q is not a language of Messages", defaultLanguage))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	t := &translator{tags: []string{def.String()}}
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		if tag != def.String() {
			t.tags = append(t.tags, tag)
		}
	}
	for _, tag := range t.tags {
		t.texts = append(t.texts, all[tag])
	}
	t.matcher = newMatcher(t.tags...)
	return t, nil
}

func checkMessages(name string, texts map[Message]string) (errs []error) {
	en := shippedMessages()["en"]
	for _, m := range slices.Sorted(maps.Keys(texts)) {
		text := texts[m]
		fault := func(what string) {
			errs = append(errs, optionFault("Options", "Messages[%q][%q]: %s", name, m, what))
		}
		standard, ok := en[m]
		if !ok {
			fault("no such message")
			continue
		}
		if blank(text) || !utf8.ValidString(text) {
			fault("blank or not UTF-8")
		}
		for _, p := range placeholder.FindAllString(text, -1) {
			if !strings.Contains(standard, p) {
				fault("unknown placeholder " + p)
			}
		}
	}
	return errs
}

func newMatcher(tags ...string) language.Matcher {
	parsed := make([]language.Tag, len(tags))
	for i, tag := range tags {
		parsed[i] = language.Make(tag)
	}
	return language.NewMatcher(parsed)
}

func match(m language.Matcher, asked string) int {
	_, i, confidence := m.Match(language.Make(asked))
	if confidence == language.No {
		return 0
	}
	return i
}

// language returns the number of the closest language, or of the default language.
func (t *translator) language(asked string) int {
	const longest = 64 // no sensible tag is longer
	if asked == "" || len(asked) > longest {
		return 0
	}
	return match(t.matcher, asked)
}

// text renders a refusal's message.
func (t *translator) text(lang int, r *refusal) string {
	pairs := make([]string, 0, 2*len(r.args))
	for i, arg := range r.args {
		value, ok := arg.(string)
		if !ok {
			value = t.texts[lang][arg.(Message)]
		}
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", value)
	}
	// One pass: a value that looks like a placeholder stays as it is.
	return strings.NewReplacer(pairs...).Replace(t.texts[lang][r.message])
}
