package identity

import (
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// What the steps of [Storage] take and return.

// UserChange names the user and what changes; a nil field stays as it is.
type UserChange struct {
	Tenant, ID string
	Mobile     *string // E.164
	VerifiedAt *time.Time
	Disabled   *bool
}

// PasswordChange is one compare-and-set of a password hash, see [Users].
type PasswordChange struct {
	Tenant, UserID   string
	OldHash, NewHash string // PHC strings
	// Mobile, when not empty, is the E.164 number that the user must have, verified,
	// on an account that is not disabled.
	Mobile string
	// ChangedAt is the new PasswordChangedAt. The zero time leaves the stored one
	// as it is: the same password, hashed anew.
	ChangedAt   time.Time
	KeepHistory int
}

// CodeIssue is one send, see [VerifyCodes].
type CodeIssue struct {
	Now     time.Time
	Charges []limit.Limit
	Code    VerifyCode
	// Replace ends the codes with the same Binding that are neither used nor ended, also
	// expired ones: they would work again if the clock went back.
	Replace  bool
	KeepLive int
	// Messages holds the code's own message, which has the id of the code, and others.
	Messages []outbox.Message
	Event    audit.Event
}

// Attempt is one guess, see [VerifyCodes].
type Attempt struct {
	Now     time.Time
	Binding []byte
	// NumberKey of the codes with that binding: what a store locks by, where it
	// has to.
	NumberKey   []byte
	Charges     []limit.Limit
	LiveCharges []limit.Limit
	// Providers asks for the Provider of each code.
	Providers bool
}

// ChargedAttempt is what a guess may be compared with, see [VerifyCodes].
type ChargedAttempt struct {
	Codes []VerifyCode
	Spent []limit.Spent // of Charges first, then of LiveCharges
}

// Release gives an attempt back, see [VerifyCodes].
type Release struct {
	Now       time.Time
	NumberKey []byte // of the codes; empty when there are none
	CodeIDs   []string
	Changes   []limit.Change
}

// Redemption is one use of a code, see [VerifyCodes].
type Redemption struct {
	Now       time.Time
	CodeID    string
	NumberKey []byte
	ClientID  string
	Password  *PasswordChange
	User      *UserChange
	Changes   []limit.Change
	Event     audit.Event
	Messages  []outbox.Message
}

// Purge says what is over, see [Limits].
type Purge struct {
	Now            time.Time
	MessagesBefore time.Time
	EventsBefore   time.Time
	Max            int
}
