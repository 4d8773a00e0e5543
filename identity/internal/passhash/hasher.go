package passhash

import (
	"crypto/subtle"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
)

// Params are the costs of argon2id.
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

// Hasher computes argon2id hashes at the given costs. It is safe for concurrent use.
type Hasher struct{ params Params }

// NewHasher returns a hasher for these costs. They must be within the bounds that Parse
// accepts, because argon2 panics without an iteration or a lane.
func NewHasher(p Params) *Hasher { return &Hasher{params: p} }

// Create hashes a password with a fresh salt and returns a PHC string.
func (h *Hasher) Create(password string) (string, error) {
	defer takeRoom(h.params)()
	return argon2id.CreateHash(password, &argon2id.Params{
		Memory: h.params.MemoryKiB, Iterations: h.params.Iterations, Parallelism: h.params.Parallelism,
		SaltLength: saltLength, KeyLength: keyLength,
	})
}

// Matches computes the hash of the password at the costs of the stored hash, and compares
// in constant time.
func (h *Hasher) Matches(stored Hash, password string) (bool, error) {
	if stored.argon == nil {
		return stored.matchesOther(password)
	}
	p := stored.params()
	defer takeRoom(p)()
	key := argon2.IDKey([]byte(password), stored.salt, p.Iterations, p.MemoryKiB, p.Parallelism, uint32(len(stored.key)))
	return subtle.ConstantTimeCompare(key, stored.key) == 1, nil
}

// Reads reports whether Matches can compare with a stored string.
func Reads(stored string) bool {
	_, err := Parse(stored)
	return err == nil
}

// Current reports whether Create would make such a hash today. If not, the hash should be
// replaced at the next login.
func (h *Hasher) Current(stored Hash) bool {
	return stored.argon != nil && stored.params() == h.params &&
		len(stored.salt) == saltLength && len(stored.key) == keyLength
}
