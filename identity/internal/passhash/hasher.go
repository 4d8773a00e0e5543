package passhash

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	pooled "github.com/minio/argon2"
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

// Hasher computes argon2id. At its own costs it wipes its working memory after a
// hash and takes it again for the next: x/crypto allocates it anew, so that the
// collector, not the gate, would decide how many times 19 MiB are resident, and
// every page of them would be faulted in again. It is safe for concurrent use.
type Hasher struct {
	params Params
	derive func(password, salt, secret, data []byte, keyLength uint32) []byte
}

// NewHasher returns a hasher for hashes of these costs. It panics where argon2
// does: no iteration, no lane.
func NewHasher(p Params) *Hasher {
	return &Hasher{params: p, derive: pooled.NewIDKey(p.Iterations, p.MemoryKiB, p.Parallelism)}
}

// Create hashes a password with a fresh salt and returns a PHC string.
func (h *Hasher) Create(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails
	key := h.derive([]byte(password), salt, nil, nil, keyLength)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, h.params.MemoryKiB, h.params.Iterations, h.params.Parallelism, encode(salt), encode(key))
}

// Matches computes the hash of the password at the stored hash's costs and
// compares in constant time.
func (h *Hasher) Matches(stored Hash, password string) (bool, error) {
	if stored.argon == nil {
		return stored.matchesOther(password)
	}
	p, length := stored.params(), uint32(len(stored.key))
	var key []byte
	if p == h.params {
		key = h.derive([]byte(password), stored.salt, nil, nil, length)
	} else { // rare, and of any size: not worth keeping memory for
		key = argon2.IDKey([]byte(password), stored.salt, p.Iterations, p.MemoryKiB, p.Parallelism, length)
	}
	return subtle.ConstantTimeCompare(key, stored.key) == 1, nil
}

// Current reports whether Create would make such a hash today; if not, it is to
// be made anew at the next login.
func (h *Hasher) Current(stored Hash) bool {
	return stored.argon != nil && stored.params() == h.params &&
		len(stored.salt) == saltLength && len(stored.key) == keyLength
}
