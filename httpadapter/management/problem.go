package management

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/seed-16109ab2/rekey/identity"
)

// docs is the page that explains the codes. A problem's type points to it.
const docs = "https://github.com/seed-16109ab2/rekey/blob/main/docs/management.md#"

// problem is an answer other than success (RFC 9457). All refusals are made in this
// file.
type problem struct {
	Type   string   `json:"type"`
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Code   string   `json:"code"`
	Detail string   `json:"detail,omitempty"`
	Errors []detail `json:"errors,omitempty"`
	// For passwords.
	Min  int    `json:"min,omitempty"`
	Max  int    `json:"max,omitempty"`
	Word string `json:"word,omitempty"`

	header http.Header // headers besides those of every answer
	cause  error       // for the operator's log only
}

// detail describes one fault of a request.
type detail struct {
	// Pointer is a JSON pointer into the body, as a fragment. Or:
	Pointer string `json:"pointer,omitempty"`
	// Parameter is the name of a query parameter or header.
	Parameter string `json:"parameter,omitempty"`
	Detail    string `json:"detail"`
}

func (p *problem) Error() string { return "management: " + p.Title }

func newProblem(status int, code, title string) *problem {
	return &problem{Type: docs + code, Title: title, Status: status, Code: code}
}

func (p *problem) with(name, value string) *problem {
	if p.header == nil {
		p.header = make(http.Header)
	}
	p.header.Set(name, value)
	return p
}

func (p *problem) saying(text string) *problem {
	p.Detail = text
	return p
}

const realm = `Bearer realm="rekey management"`

func unauthorized(presented bool) *problem {
	challenge := realm
	if presented {
		challenge += `, error="invalid_token"`
	}
	return newProblem(http.StatusUnauthorized, "unauthorized", "A valid bearer token is required.").with("WWW-Authenticate", challenge)
}

func forbidden(s Scope) *problem {
	return newProblem(http.StatusForbidden, "forbidden", "The token does not have the scope.").
		saying("scope "+string(s)+" is needed").
		with("WWW-Authenticate", realm+`, error="insufficient_scope", scope="`+string(s)+`"`)
}

func noRoute() *problem { return newProblem(http.StatusNotFound, "no_such_route", "No such route.") }

func notFound(what string) *problem {
	return newProblem(http.StatusNotFound, "not_found", "No such "+what+".")
}

func methodNotAllowed(allow string) *problem {
	return newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "The route does not have the method.").with("Allow", allow)
}

// The rest of the body is not read, so the connection ends.
func tooLarge() *problem {
	return newProblem(http.StatusRequestEntityTooLarge, "too_large", "The body is too large.").with("Connection", "close")
}

func unsupportedMediaType(header string) *problem {
	return newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", "The body must be application/json, not compressed.").saying(header)
}

func invalid(faults ...detail) *problem {
	p := newProblem(http.StatusBadRequest, "invalid_request", "The request is malformed.")
	p.Errors = faults
	return p
}

func notSupported() *problem {
	return newProblem(http.StatusNotImplemented, "not_supported", "This deployment does not support the call.")
}

// failure is the answer to a failure of the service itself. The caller is not told the
// cause.
func failure(cause error) *problem {
	p := newProblem(http.StatusInternalServerError, "failure", "The service failed. Try again later.")
	p.cause = cause
	return p
}

// refusals maps the service's sentinel errors to answers.
var refusals = []struct {
	err         error
	status      int
	code, title string
}{
	{identity.ErrWrongCredentials, 422, "wrong_credentials", "The number or the password is wrong, or the user is disabled."},
	{identity.ErrCodeRefused, 422, "code_refused", "The verification code is incorrect or has expired."},
	{identity.ErrInvalidMobile, 422, "invalid_mobile", "Not a possible mobile number of a served country."},
	{identity.ErrClientNotFound, 422, "client_not_found", "The application is not registered."},
	{identity.ErrClientDisabled, 422, "client_disabled", "The application is disabled."},
	{identity.ErrTenantMissing, 422, "tenant_missing", "A multi-tenant application must name the tenant."},
	{identity.ErrUnknownPurpose, 422, "unknown_purpose", "The purpose is not served."},
	{identity.ErrCaptchaMissing, 422, "captcha_missing", "A CAPTCHA token is required."},
	{identity.ErrCaptchaWrong, 422, "captcha_wrong", "The CAPTCHA token is wrong."},
	{identity.ErrCaptchaExpired, 422, "captcha_expired", "The CAPTCHA token has expired."},
	{identity.ErrAlreadyExists, 409, "already_exists", "The id is taken, or the tenant has a user with the number."},
	{identity.ErrConflict, 409, "conflict", "It was changed meanwhile. Try again."},
	{identity.ErrNotFound, 404, "not_found", "No such user, client or message."},
}

// problemOf turns an error into an answer. An error that is not listed is a failure of
// the service itself.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return newProblem(r.status, r.code, r.title)
		}
	}
	if errors.Is(err, identity.ErrUnsupported) {
		return notSupported()
	}
	if e, ok := errors.AsType[*identity.PasswordError](err); ok {
		return passwordProblem(e)
	}
	if e, ok := errors.AsType[*identity.RateLimitedError](err); ok {
		return newProblem(http.StatusTooManyRequests, "too_many_requests", "Too many requests. Try again later.").with("Retry-After", seconds(e.RetryAfter))
	}
	if e, ok := errors.AsType[*identity.BusyError](err); ok {
		return newProblem(http.StatusServiceUnavailable, "busy", "The service is busy. Try again later.").with("Retry-After", seconds(e.RetryAfter))
	}
	if e, ok := errors.AsType[*identity.FieldError](err); ok && e.Of != "Config" {
		return invalid(detail{Pointer: "#/" + member(e.Field), Detail: e.Problem})
	}
	return failure(err)
}

// member returns the JSON name of a field of a user or a client.
func member(field string) string {
	var name strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(field[i-1])) {
			name.WriteByte('_')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}

func passwordProblem(e *identity.PasswordError) *problem {
	titles := map[identity.PasswordFault]string{
		identity.PasswordLength:   "The password is too short or too long.",
		identity.PasswordContains: "The password holds the mobile number or a word of the service.",
		identity.PasswordReused:   "The password was used before.",
		identity.PasswordWeak:     "The password is too easy to guess.",
	}
	title, ok := titles[e.Fault]
	if !ok {
		return failure(e)
	}
	p := newProblem(http.StatusUnprocessableEntity, "password_"+string(e.Fault), title)
	p.Min, p.Max, p.Word = e.Min, e.Max, e.Word
	return p
}

// seconds returns Retry-After in whole seconds, rounded up: a caller who retries a
// moment too early is refused again.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(max((d+time.Second-1)/time.Second, 1)), 10)
}
