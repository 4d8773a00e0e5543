package resetpage

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxBody has room for the longest password that a policy can allow: 1,024 characters of
// four bytes, each byte written as %XX.
const maxBody = 16 << 10

// Longest values that are kept in the state, in bytes.
const (
	maxNumber = 120
	maxCode   = 64
)

// The forms' fields.
const (
	fieldAction   = "action"
	fieldFlow     = "flow"
	fieldCountry  = "country"
	fieldMobile   = "mobile"
	fieldCode     = "code"
	fieldPassword = "password"
	fieldCaptcha  = "captcha_token"
)

// readForm returns the fields, or the status of the refusal.
func (v *visit) readForm() (url.Values, int) {
	media, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" || v.r.Header.Get("Content-Encoding") != "" {
		return nil, http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	for _, field := range []string{fieldAction, fieldFlow, fieldCountry, fieldMobile, fieldCode, fieldPassword, fieldCaptcha} {
		values := form[field]
		if len(values) > 1 || len(values) == 1 && (!utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0)) {
			return nil, http.StatusBadRequest
		}
	}
	return form, 0
}

// bounded cuts a value that is too long to be valid.
func bounded(s string, longest int) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "")
}
