package identity

import (
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
)

// Purpose says what a code is for. A code for one purpose never works for another.
type Purpose string

// The purposes of the API family, spelled as its documents spell them.
const (
	PurposeForgotPassword Purpose = "FORGET_PWD_SMS"
	PurposeRegister       Purpose = "REGISTER_SMS"
	PurposeLogin          Purpose = "LOGIN_SMS"
	PurposeBindMobile     Purpose = "BIND_MOBILE_SMS"
	PurposeUpdateMobile   Purpose = "UPDATE_MOBILE_SMS"
	PurposeResetOTP       Purpose = "OTP_REST_SMS"
)

// Known reports whether p is one of the purposes above.
func (p Purpose) Known() bool {
	switch p {
	case PurposeForgotPassword, PurposeRegister, PurposeLogin, PurposeBindMobile, PurposeUpdateMobile, PurposeResetOTP:
		return true
	}
	return false
}

// wantsFreeNumber reports whether codes for the purpose go to numbers without a
// user.
func (p Purpose) wantsFreeNumber() bool {
	return p == PurposeRegister || p == PurposeBindMobile || p == PurposeUpdateMobile
}

// refused is the audit event of a refused code for the purpose.
func (p Purpose) refused() audit.Type {
	if p == PurposeForgotPassword {
		return audit.ResetRefused
	}
	return audit.CodeRefused
}

// serves reports whether codes for the purpose are sent.
func (s *Service) serves(p Purpose) bool { return slices.Contains(s.cfg.Purposes, p) }

// VerifyCode is a sent code as storage keeps it: digests only.
type VerifyCode struct {
	ID string // UUIDv7
	// Binding is a keyed digest of what the code is bound to: tenant, client,
	// purpose, device fingerprint and number. The codes for a guess are found by it.
	Binding []byte
	// NumberKey is a keyed digest of tenant, purpose and number. Codes that share it
	// count together against the number of live codes, and end together.
	NumberKey []byte
	// Digest is an HMAC-SHA-256 of the code and all that it is bound to, with a key
	// that is not in the database.
	Digest []byte
	// KeyID names the secret that Digest was made with, for rotation.
	KeyID       string
	Attempts    int
	MaxAttempts int
	CreatedAt   time.Time
	ExpiresAt   time.Time // from this time on the code does not work
	UsedAt      time.Time // zero until redeemed
	EndedAt     time.Time // zero until ended by a newer code or a reset

	// Provider is the provider that took the code's message. It is not a part of the code:
	// a store reads it from the message when asked, see [Attempt], and keeps it nowhere else.
	Provider string
}

// Live reports whether the code could still be redeemed at now.
func (c VerifyCode) Live(now time.Time) bool {
	return c.UsedAt.IsZero() && c.EndedAt.IsZero() && now.Before(c.ExpiresAt) && c.Attempts < c.MaxAttempts
}
