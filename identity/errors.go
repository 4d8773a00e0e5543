package identity

import (
	"errors"
	"fmt"
	"time"
)

// The answers of a [Storage]. Any other error is a failure of the storage.
var (
	ErrNotFound      = errors.New("identity: not found")
	ErrAlreadyExists = errors.New("identity: already exists")
	ErrConflict      = errors.New("identity: changed meanwhile")
	ErrCodeSpent     = errors.New("identity: code used, ended or expired")
	// ErrUnsupported says that [Config.Users] lacks the method for the call.
	ErrUnsupported = errors.New("identity: not supported by this storage")
)

// The refusals of the [Service], in addition to [*RateLimitedError], [*BusyError] and
// [*PasswordError]. Any other error is a failure of the service or its storage.
var (
	// ErrCodeRefused is the common answer to a wrong, expired, used or foreign code, an
	// unknown number, and a user who may not reset.
	ErrCodeRefused      = errors.New("identity: verification code incorrect or expired")
	ErrInvalidMobile    = errors.New("identity: not a possible mobile number of an allowed country")
	ErrClientMissing    = errors.New("identity: client id missing")
	ErrDeviceMissing    = errors.New("identity: device missing")
	ErrClientNotFound   = errors.New("identity: client not registered")
	ErrClientDisabled   = errors.New("identity: client disabled")
	ErrTenantMissing    = errors.New("identity: tenant missing for a multi-tenant client")
	ErrUnknownPurpose   = errors.New("identity: unknown purpose")
	ErrCaptchaMissing   = errors.New("identity: captcha token missing")
	ErrCaptchaWrong     = errors.New("identity: captcha wrong")
	ErrCaptchaExpired   = errors.New("identity: captcha token expired")
	ErrWrongCredentials = errors.New("identity: number or password wrong")
)

// RateLimitedError says that a limit is used up.
type RateLimitedError struct {
	RetryAfter time.Duration // > 0
}

func (e *RateLimitedError) Error() string {
	return fmt.Sprintf("identity: too many requests, retry after %s", e.RetryAfter)
}

// BusyError says that the service is overloaded: the caller would wait too long for a
// hash or for storage, or codes are delivered too late to be useful. Nothing was charged.
type BusyError struct {
	RetryAfter time.Duration // > 0
}

func (e *BusyError) Error() string { return "identity: busy" }

// PasswordFault is the rule that a new password breaks.
type PasswordFault string

// The rules.
const (
	PasswordLength   PasswordFault = "length"   // too short or too long
	PasswordContains PasswordFault = "contains" // holds the number or a word of the service
	PasswordReused   PasswordFault = "reused"   // used before
	PasswordWeak     PasswordFault = "weak"     // easy to guess, common or breached
)

// PasswordError says why a new password is refused. It never holds the password.
type PasswordError struct {
	Fault    PasswordFault
	Min, Max int    // code points, for PasswordLength
	Word     string // for PasswordContains: the configured word, or empty for the number
}

func (e *PasswordError) Error() string {
	switch e.Fault {
	case PasswordLength:
		return fmt.Sprintf("identity: password must have %d to %d characters", e.Min, e.Max)
	case PasswordContains:
		return "identity: password holds the mobile number or a word of the service"
	case PasswordReused:
		return "identity: password used before"
	default:
		return "identity: password easy to guess"
	}
}
