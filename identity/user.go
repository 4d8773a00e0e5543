package identity

import "time"

// User is a person with a password and a mobile number.
type User struct {
	ID     string // UUIDv7 unless the application gives another; at most 64 bytes
	Tenant string // empty in a deployment without tenants; at most 128 bytes
	// Mobile is the number in E.164, unique within the tenant.
	Mobile string
	// VerifiedAt is when the person proved to hold the number. While it is zero
	// the number cannot recover anything (SP 800-63B-4, 4.2.1).
	VerifiedAt time.Time
	// PasswordHash is a PHC string, never a password.
	PasswordHash string
	// PasswordChangedAt is when the password was last set. The application should end
	// sessions and tokens that were issued before it.
	PasswordChangedAt time.Time
	Disabled          bool
	CreatedAt         time.Time
}
