package identity

import (
	"context"
	"time"
)

// Guard decides whether a user may recover by SMS right now: a SIM change, a
// mandatory second factor, a locked account. It is safe for concurrent use.
type Guard interface {
	// AllowSend is asked by [Service.Run] right before a code goes out to an
	// existing, eligible user; never while the caller waits, because only existing
	// users would make them wait. Nil allows. A [*GuardRefusal] refuses. Any other
	// error is a failure of the guard: nothing is sent, and it is asked again while
	// the code lives.
	AllowSend(ctx context.Context, r GuardRequest) error
	// AllowReset is asked after the code proved right and before the password is
	// hashed. A [*GuardRefusal] is the generic answer outside. Any other error
	// fails the call and gives the attempt back.
	AllowReset(ctx context.Context, r GuardRequest) error
}

// GuardRequest is what a guard decides on. Of Caller, everything but ClientID
// and Address is the caller's own claim.
type GuardRequest struct {
	User    User
	Purpose Purpose
	Caller  Caller
}

// GuardRefusal is a guard's no.
type GuardRefusal struct {
	Reason string // for the audit trail; the first 200 bytes are kept
}

func (e *GuardRefusal) Error() string { return "identity: refused by guard: " + e.Reason }

// CaptchaRequest is what a verifier decides on. Of Caller, everything but
// ClientID and Address is the caller's own claim.
type CaptchaRequest struct {
	Token   string // as the caller sent it; never empty
	Mobile  string // E.164; the number that the code would go to
	Purpose Purpose
	Caller  Caller
}

// CaptchaVerifier checks a CAPTCHA token. It is safe for concurrent use.
//
// A good verifier accepts a token once, and only for the number that the token
// was solved for. Packages altcha, puzzle and siteverify below this one are such
// verifiers.
type CaptchaVerifier interface {
	// VerifyCaptcha returns nil for a good token. For a bad one it returns an error
	// wrapping [ErrCaptchaWrong], or [ErrCaptchaExpired] if the token is too old or
	// was used before. Any other error means that the token could not be checked,
	// and refuses the send. The answer must not depend on whether the number has a
	// user.
	VerifyCaptcha(ctx context.Context, r CaptchaRequest) error
}

// BreachedPasswords knows passwords that leaked. It is safe for concurrent use.
type BreachedPasswords interface {
	// Breached reports whether the password is known. It is asked before the code
	// is looked at, so that its answer says nothing about the code. An error fails
	// the call: an implementation that would rather let a password pass while its
	// source is down returns false.
	Breached(ctx context.Context, password Secret) (bool, error)
}

// PasswordResetEvent tells the embedder of a committed reset.
type PasswordResetEvent struct {
	ID        string    `json:"id"` // the same for each repetition of the call
	Tenant    string    `json:"tenant,omitempty"`
	UserID    string    `json:"user_id"`
	ChangedAt time.Time `json:"changed_at"` // sessions issued before it should end
}
