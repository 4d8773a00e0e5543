package httpadapter

import (
	"strings"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/jsonbody"
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
		{name: fieldVerifyCode}, // the service decides what can be a code
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
		{name: fieldCaptchaToken, plain: true, optional: true}, // the service decides whether it is mandatory
	})
	if r != nil {
		return sendBody{}, r
	}
	return sendBody{mobile: v[0], purpose: v[1], captchaToken: v[2]}, nil
}

// field is a documented field.
type field struct {
	name     string
	plain    bool // control characters are refused
	optional bool // if missing, the value is the empty string
	object   bool // a JSON object is accepted too; the value is its text
}

// decodeFields decodes a body; no other code does. It does not unmarshal into a struct,
// because encoding/json would ignore the case of names, let the last duplicate win and
// repair broken strings. A filter in front of the handler that reads the body
// differently could then pass a body that means something else here.
//
// With a refusal it returns no value.
func decodeFields(body []byte, fields []field) ([]string, *refusal) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	all, _, ok := jsonbody.Object(body, names...)
	if !ok {
		return nil, refuseMalformed("body")
	}
	for i, f := range fields {
		if !f.optional && all[i].Times <= 1 && all[i].Missing() {
			return nil, refuseMissing(f.name)
		}
	}
	for i, f := range fields {
		if all[i].Times == 1 && !all[i].IsString() && !all[i].IsNull() && !(f.object && all[i].IsObject()) {
			return nil, refuseType(f.name)
		}
	}
	values := make([]string, len(fields))
	for i, f := range fields {
		if all[i].Times > 1 || !all[i].WellFormed(f.plain) {
			return nil, refuseMalformed(f.name)
		}
		switch {
		case f.object && all[i].IsObject():
			values[i] = string(all[i].Raw)
		case !all[i].Missing():
			values[i] = all[i].Text
		}
	}
	return values, nil
}

// blank reports whether s consists of white space of any script.
func blank(s string) bool { return strings.TrimSpace(s) == "" }
