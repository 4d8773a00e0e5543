package identity

import "net/netip"

// Caller says who makes a request: the application, and what it reports about the
// person's device.
type Caller struct {
	ClientID string
	// TenantID is the tenant the caller names. Which tenant counts is decided by
	// the client's registration, see [Client].
	TenantID string
	// Device is the device fingerprint that a code is bound to, of any length.
	// Only digests of it are kept, and its first 256 bytes in the audit trail. A blank
	// one is refused with [ErrDeviceMissing], because all callers without a device
	// would share one set of limits.
	Device string
	// Address is the connection's address, or the one a trusted proxy reports. Limits
	// count by it. The zero address counts as one separate address.
	Address netip.Addr
	// What the device claims about itself. Only the audit trail uses it.
	ClaimedAddress, OSVersion, Agent string
	// Language of the messages, BCP 47; empty for the default.
	Language string
}

// SendRequest asks for a verification code by SMS.
type SendRequest struct {
	Caller
	Mobile       string // in any common spelling; without country code: of the default region
	Purpose      Purpose
	CaptchaToken string
}

// ResetRequest sets a new password with a code.
type ResetRequest struct {
	Caller
	Mobile string
	// Code may be as people paste it: white space, format characters and dashes are
	// dropped, and decimal digits of any script count by their value. What then is
	// not exactly as many digits as a code has is refused like a wrong code, and
	// costs no attempt.
	Code     Secret
	Password Secret
}

// LoginRequest checks a password.
type LoginRequest struct {
	Tenant   string // trusted: the application decides it
	Mobile   string
	Password Secret
	// Address as in [Caller].
	Address netip.Addr
	// ClientID and Device as in [Caller]. With the values that the reset uses, a
	// device that reset or signed in before is a known device, which strangers cannot
	// lock out. Both may be empty; then no device is known.
	ClientID, Device string
}
