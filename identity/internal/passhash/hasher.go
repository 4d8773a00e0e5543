package passhash

import (
	"crypto/subtle"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
)

// Params are argon2id's costs.
type Params struct {
	MemoryKiB   uint32
	Iterations  uint32
	Parallelism uint8
}

// OWASP Password Storage: m=19456, t=2, p=1, with 16 bytes of salt (RFC 9106, 3.1).
const (
	saltLength = 16
	keyLength  = 32
)

// Hasher computes argon2id at its own costs. It is safe for concurrent use.
type Hasher struct{ params Params }

// NewHasher returns a hasher for hashes of these costs. The costs are within the
// bounds that Parse accepts; argon2 panics without an iteration or a lane.
func NewHasher(p Params) *Hasher { return &Hasher{params: p} }

// Create hashes a password with a fresh salt and returns a PHC string.
func (h *Hasher) Create(password string) (string, error) {
	return argon2id.CreateHash(password, &argon2id.Params{
		Memory: h.params.MemoryKiB, Iterations: h.params.Iterations, Parallelism: h.params.Parallelism,
		SaltLength: saltLength, KeyLength: keyLength,
	})
}

// Matches computes the hash of the password at the stored hash's costs and
// compares in constant time.
func (h *Hasher) Matches(stored Hash, password string) (bool, error) {
	if stored.argon == nil {
		return stored.matchesOther(password)
	}
	p := stored.params()
	key := argon2.IDKey([]byte(password), stored.salt, p.Iterations, p.MemoryKiB, p.Parallelism, uint32(len(stored.key)))
	return subtle.ConstantTimeCompare(key, stored.key) == 1, nil
}

// Reads reports whether a stored string is a hash that Matches can compare with.
func Reads(stored string) bool {
	_, err := Parse(stored)
	return err == nil
}

// Current reports whether Create would make such a hash today; if not, it is to
// be made anew at the next login.
func (h *Hasher) Current(stored Hash) bool {
	return stored.argon != nil && stored.params() == h.params &&
		len(stored.salt) == saltLength && len(stored.key) == keyLength
}
