package httpadapter

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// refusal is an answer other than success. All refusals are made in this file.
type refusal struct {
	status  int
	message Message
	args    []any // replace {0}, {1}: a string, or a Message that is said in the caller's language

	retryAfter time.Duration // Retry-After, unless 0
	allow      string        // Allow, unless empty
	closing    bool          // an HTTP/1 connection is not used again
	cause      error         // for the operator
	sentinel   error         // what errors.Is finds
}

// Error implements error, for a refusal that [CallerSource.FromHeaders] returns.
func (r *refusal) Error() string {
	if r.sentinel != nil {
		return r.sentinel.Error()
	}
	return fmt.Sprintf("httpadapter: %s %v", r.message, r.args)
}

func (r *refusal) Unwrap() error { return r.sentinel }

// Refusals of a request's form.

func refusePath() *refusal { return malformedAs(http.StatusNotFound, "path") }

func refuseMethod(allow string) *refusal {
	r := malformedAs(http.StatusMethodNotAllowed, "method")
	r.allow = allow
	return r
}

func refuseContentType() *refusal {
	return malformedAs(http.StatusUnsupportedMediaType, "Content-Type")
}

func refuseEncoding() *refusal {
	return malformedAs(http.StatusUnsupportedMediaType, "Content-Encoding")
}

// refuseSize refuses a body that is too large. The rest of the body is not read, so the
// connection is closed.
func refuseSize() *refusal {
	r := malformedAs(http.StatusRequestEntityTooLarge, "body")
	r.closing = true
	return r
}

func refuseMissing(parameter string) *refusal   { return badRequest(MessageParameterBlank, parameter) }
func refuseType(parameter string) *refusal      { return badRequest(MessageParameterType, parameter) }
func refuseMalformed(parameter string) *refusal { return malformedAs(http.StatusBadRequest, parameter) }

func malformedAs(status int, parameter string) *refusal {
	return &refusal{status: status, message: MessageParameterFormat, args: []any{parameter}}
}

func badRequest(m Message, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, message: m, args: args}
}

// refuseFailure answers a failure of the server. It does not show cause to the caller.
func refuseFailure(cause error) *refusal {
	return &refusal{status: http.StatusInternalServerError, message: MessageBusy, cause: cause}
}

// refusals are the answers to the service's sentinel errors. All are answered 400.
var refusals = []struct {
	err     error
	message Message
	args    []any
}{
	{err: identity.ErrClientMissing, message: MessageClientMissing},
	{err: identity.ErrDeviceMissing, message: MessageDeviceIncomplete},
	{err: identity.ErrClientNotFound, message: MessageClientNotFound},
	{err: identity.ErrClientDisabled, message: MessageClientDisabled},
	{err: identity.ErrTenantMissing, message: MessageParameterBlank, args: []any{headerTenant}},
	{err: identity.ErrUnknownPurpose, message: MessageParameterFormat, args: []any{fieldType}},
	{err: identity.ErrInvalidMobile, message: MessageInvalidMobile},
	{err: identity.ErrCaptchaMissing, message: MessageParameterBlank, args: []any{fieldCaptchaToken}},
	{err: identity.ErrCaptchaWrong, message: MessageCaptchaWrong},
	{err: identity.ErrCaptchaExpired, message: MessageCaptchaExpired},
	{err: identity.ErrCodeRefused, message: MessageCodeRefused},
}

// refuse turns an error of the service into an answer; nil stays nil. An error that is
// not listed is a failure of the server.
func refuse(err error) *refusal {
	if err == nil {
		return nil
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			refused := badRequest(r.message, r.args...)
			refused.sentinel = r.err
			return refused
		}
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	if e, ok := errors.AsType[*MalformedError](err); ok {
		return refuseMalformed(e.Parameter)
	}
	if errors.Is(err, identity.ErrWrongCredentials) {
		return &refusal{status: http.StatusUnauthorized, message: MessageWrongCredentials}
	}
	if e, ok := errors.AsType[*identity.PasswordError](err); ok {
		return refusePassword(e)
	}
	if e, ok := errors.AsType[*identity.RateLimitedError](err); ok {
		return &refusal{status: http.StatusTooManyRequests, message: MessageTooManyRequests, retryAfter: max(e.RetryAfter, 1)}
	}
	if e, ok := errors.AsType[*identity.BusyError](err); ok {
		// The connection would keep about 20 KiB until the caller tries again.
		return &refusal{status: http.StatusServiceUnavailable, message: MessageBusy, retryAfter: max(e.RetryAfter, 1), closing: true}
	}
	return refuseFailure(err)
}

func refusePassword(e *identity.PasswordError) *refusal {
	switch e.Fault {
	case identity.PasswordLength:
		return badRequest(MessagePasswordLength, strconv.Itoa(e.Min), strconv.Itoa(e.Max))
	case identity.PasswordContains:
		if e.Word == "" {
			return badRequest(MessagePasswordContains, MessageTheMobileNumber)
		}
		return badRequest(MessagePasswordContains, e.Word)
	case identity.PasswordReused:
		return badRequest(MessagePasswordReused)
	case identity.PasswordWeak:
		return badRequest(MessagePasswordWeak)
	}
	return refuseFailure(e)
}

// code returns the error_code of a refusal.
func (r *refusal) code() string {
	code, _, _ := strings.Cut(string(r.message), "/")
	return code
}

// lenient returns the status for callers that know only 200, 400 and 5xx.
func (r *refusal) lenient() int {
	switch r.status {
	case http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusTooManyRequests:
		return http.StatusBadRequest
	}
	return r.status
}

// retrySeconds returns Retry-After in whole seconds, rounded up: a caller who retries a
// moment too early is refused again.
func (r *refusal) retrySeconds() string {
	seconds := r.retryAfter / time.Second
	if r.retryAfter%time.Second > 0 {
		seconds++
	}
	return strconv.FormatInt(int64(seconds), 10)
}
