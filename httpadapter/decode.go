package httpadapter

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-16109ab2/rekey/identity"
)

// Names of the documented body fields.
const (
	fieldMobile       = "mobile"
	fieldVerifyCode   = "verify_code"
	fieldPassword     = "password"
	fieldType         = "type"
	fieldCaptchaToken = "captcha_token"
)

// maxDepth bounds the nesting of unknown fields, the body itself counting as one.
const maxDepth = 32

const byteOrderMark = "\ufeff"

// resetBody is the body of the reset route.
type resetBody struct {
	mobile         string
	code, password identity.Secret
}

// sendBody is the body of the send route.
type sendBody struct {
	mobile, purpose, captchaToken string
}

func decodeReset(body []byte) (resetBody, *refusal) {
	v, r := decodeFields(body, []field{
		{name: fieldMobile, plain: true},
		{name: fieldVerifyCode}, // the service knows what can be a code
		{name: fieldPassword},
	})
	if r != nil {
		return resetBody{}, r
	}
	return resetBody{mobile: v[0], code: identity.NewSecret(v[1]), password: identity.NewSecret(v[2])}, nil
}

func decodeSend(body []byte) (sendBody, *refusal) {
	v, r := decodeFields(body, []field{
		{name: fieldMobile, plain: true},
		{name: fieldType, plain: true},
		{name: fieldCaptchaToken, plain: true, optional: true}, // whether it is mandatory, the service knows
	})
	if r != nil {
		return sendBody{}, r
	}
	return sendBody{mobile: v[0], purpose: v[1], captchaToken: v[2]}, nil
}

// field is a documented field.
type field struct {
	name     string
	plain    bool // without control characters
	optional bool // missing is the empty string
	object   bool // a JSON object will do: its value is its text
}

// found is what the body has for a field.
type found struct {
	times int
	raw   []byte // the last value, as it was written
	value string
}

// decodeFields is the one decoding of a body. It does not unmarshal into a
// struct, because encoding/json then folds the case of names, lets the last
// duplicate win and mends broken strings: a filter in front of the handler that
// reads otherwise would pass a body that means something else here.
//
// On a refusal no value is returned.
func decodeFields(body []byte, fields []field) ([]string, *refusal) {
	all, ok := scanObject(body, fields)
	if !ok {
		return nil, refuseMalformed("body")
	}
	for i, f := range fields {
		if !f.optional && all[i].times <= 1 && all[i].missing() {
			return nil, refuseMissing(f.name)
		}
	}
	for i, f := range fields {
		if all[i].times == 1 && !all[i].isString() && !all[i].isNull() && !(f.object && all[i].isObject()) {
			return nil, refuseType(f.name)
		}
	}
	values := make([]string, len(fields))
	for i, f := range fields {
		if all[i].times > 1 || !all[i].wellFormed(f.plain) {
			return nil, refuseMalformed(f.name)
		}
		switch {
		case f.object && all[i].isObject():
			values[i] = string(all[i].raw)
		case !all[i].missing():
			values[i] = all[i].value
		}
	}
	return values, nil
}

// scanObject collects the fields of a body that is one JSON object in UTF-8.
func scanObject(body []byte, fields []field) ([]found, bool) {
	// Some clients write a byte-order mark first, which RFC 8259, 8.1 lets us ignore.
	body = bytes.TrimPrefix(body, []byte(byteOrderMark))
	// Valid sees to the grammar (RFC 8259) and to trailing bytes, so that the decoder
	// below meets nothing it is lenient about.
	if !json.Valid(body) || depth(body) > maxDepth {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	all := make([]found, len(fields))
	foreign := !utf8.Valid(body) // bytes that are not UTF-8, unless a field has them
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, false
		}
		for i, f := range fields {
			if name != f.name {
				continue
			}
			all[i].times++
			all[i].raw = raw
			if all[i].isString() {
				foreign = foreign && utf8.Valid(raw)
				if err := json.Unmarshal(raw, &all[i].value); err != nil {
					return nil, false
				}
			}
		}
	}
	return all, !foreign
}

func (f *found) isString() bool { return len(f.raw) > 0 && f.raw[0] == '"' }
func (f *found) isObject() bool { return len(f.raw) > 0 && f.raw[0] == '{' }
func (f *found) isNull() bool   { return len(f.raw) > 0 && f.raw[0] == 'n' }

func (f *found) missing() bool {
	return f.times == 0 || f.isNull() || f.isString() && blank(f.value)
}

func (f *found) wellFormed(plain bool) bool {
	return utf8.Valid(f.raw) && !loneSurrogate(f.raw) && !strings.ContainsRune(f.value, 0) &&
		(!plain || !strings.ContainsFunc(f.value, unicode.IsControl))
}

// blank reports whether there is nothing but white space, of any script.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// depth is how deep valid JSON nests.
func depth(body []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// loneSurrogate reports whether a valid JSON string escapes half of a surrogate
// pair: no character, which encoding/json turns into U+FFFD, so that many bodies
// would be one password.
func loneSurrogate(raw []byte) bool {
	const escape = len(`\uXXXX`)
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] != 'u' {
			i++
			continue
		}
		switch unit := hex4(raw[i+2:]); {
		case unit >= 0xD800 && unit < 0xDC00:
			rest := raw[i+escape:]
			if len(rest) < escape || rest[0] != '\\' || rest[1] != 'u' || hex4(rest[2:])>>10 != 0xDC00>>10 {
				return true
			}
			i += 2*escape - 1
		case unit >= 0xDC00 && unit < 0xE000:
			return true
		default:
			i += escape - 1
		}
	}
	return false
}

// hex4 reads the four digits of an escape that is known to be valid.
func hex4(b []byte) (unit uint32) {
	for _, c := range b[:4] {
		switch {
		case c <= '9':
			unit = unit<<4 | uint32(c-'0')
		default:
			unit = unit<<4 | uint32(c|0x20-'a'+10)
		}
	}
	return unit
}
