package identity

import "github.com/seed-16109ab2/rekey/identity/internal/passhash"

// HashScheme names the scheme of a stored password hash, such as "bcrypt" or
// "Django pbkdf2_sha256", and says whether a password can be verified against it. A
// user with a hash that cannot be verified must reset before the first login. An
// empty hash has no scheme: no password is set.
func HashScheme(stored string) (scheme string, verifies bool) {
	if stored == "" {
		return "", false
	}
	return passhash.Scheme(stored), passhash.Reads(stored)
}
