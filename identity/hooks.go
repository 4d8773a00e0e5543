package identity

import (
	"context"
	"time"
)

// Guard decides whether a user may recover by SMS now, for example after a SIM change, with
// a mandatory second factor or with a locked account. It must be safe for concurrent use.
type Guard interface {
	// AllowSend is called by [Service.Run] right before a code is sent to an existing,
	// eligible user. It is never called while the caller waits, because the wait would show
	// that the user exists. Nil allows the send, and a [*GuardRefusal] refuses it. Any other
	// error is a failure of the guard: no code is sent, and AllowSend is called again until
	// the code expires.
	AllowSend(ctx context.Context, r GuardRequest) error
	// AllowReset is called after the code proved right and before the password is hashed.
	// Nil allows the reset. After a [*GuardRefusal] the caller gets the answer to a wrong
	// code. Any other error fails the call and gives the attempt back.
	AllowReset(ctx context.Context, r GuardRequest) error
}

// GuardRequest is the input of a guard. In Caller, all fields except ClientID and Address
// are the caller's own claims.
type GuardRequest struct {
	User    User
	Purpose Purpose
	Caller  Caller
}

// GuardRefusal is the error with which a guard refuses.
type GuardRefusal struct {
	Reason string // for the audit trail; the first 200 bytes are kept
}

func (e *GuardRefusal) Error() string { return "identity: refused by guard: " + e.Reason }

// CaptchaRequest is the input of a verifier. In Caller, all fields except ClientID and
// Address are the caller's own claims.
type CaptchaRequest struct {
	Token   string // as the caller sent it; never empty
	Mobile  string // E.164; the number that the code would go to
	Purpose Purpose
	Caller  Caller
}

// CaptchaVerifier checks CAPTCHA tokens. It must be safe for concurrent use.
//
// A good verifier accepts a token once, and only for the number for which it was solved.
// Packages altcha, puzzle and siteverify below this one are verifiers.
type CaptchaVerifier interface {
	// VerifyCaptcha returns nil for a valid token. Otherwise the error wraps
	// [ErrCaptchaWrong], or [ErrCaptchaExpired] if the token is too old or was used before.
	// Any other error means that the token could not be checked, and refuses the send. The
	// answer must not depend on whether the number has a user.
	VerifyCaptcha(ctx context.Context, r CaptchaRequest) error
}

// CaptchaMode says when a CAPTCHA is required.
type CaptchaMode string

// The modes.
const (
	// CaptchaAlways requires a token with every send.
	CaptchaAlways CaptchaMode = "always"
	// CaptchaOnSuspicion requires a token if one of these counters is more than half full:
	// of the caller's network, of the number, of its prefix, or of all sends. It treats
	// numbers with and without a user alike.
	CaptchaOnSuspicion CaptchaMode = "on suspicion"
)

// BreachedPasswords knows leaked passwords. It must be safe for concurrent use.
type BreachedPasswords interface {
	// Breached reports whether the password is known. It is called before the code is
	// checked, so that its answer reveals nothing about the code. An error fails the reset.
	// To let passwords pass while its source is down, an implementation returns false.
	Breached(ctx context.Context, password Secret) (bool, error)
}

// PasswordResetEvent describes a committed reset for [Config.OnPasswordReset].
type PasswordResetEvent struct {
	ID        string    `json:"id"` // the same for each repetition of the call
	Tenant    string    `json:"tenant,omitempty"`
	UserID    string    `json:"user_id"`
	ChangedAt time.Time `json:"changed_at"` // sessions issued before it should end
}
