package identitytest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

// cheap hashes passwords in microseconds, where argon2id takes some 20 ms and 19 MiB
// by design. It is not exported: in a database, such hashes would be as good as the
// passwords.
type cheap struct{}

const (
	cheapPrefix = "$identitytest$"
	cheapSalt   = 26 // of rand.Text
)

func digest(salt string, password identity.Secret) string {
	sum := sha256.Sum256([]byte(salt + password.Reveal()))
	return cheapPrefix + salt + "$" + hex.EncodeToString(sum[:])
}

func (cheap) Accepts(identity.Secret) error { return nil }

func (cheap) Hash(password identity.Secret) (string, error) {
	return digest(rand.Text(), password), nil
}

func (cheap) Reads(hash string) bool {
	rest, ok := strings.CutPrefix(hash, cheapPrefix)
	return ok && len(rest) == cheapSalt+1+2*sha256.Size
}

func (cheap) Matches(hash string, password identity.Secret) (bool, error) {
	salt := hash[len(cheapPrefix):][:cheapSalt]
	return subtle.ConstantTimeCompare([]byte(hash), []byte(digest(salt, password))) == 1, nil
}

func (c cheap) Current(hash string) bool { return c.Reads(hash) }

// CheapHashes sets a PasswordHasher that computes hashes in microseconds, for tests
// whose subject is not the hash, unless the configuration sets Hash or PasswordHasher.
// Services on one store need the same hasher: the hashes mean nothing to others.
//
// [New] calls it after each configure. To have the real hashes, set Hash there:
//
//	c.Hash = identity.HashParams{MemoryKiB: 19_456, Iterations: 2, Parallelism: 1}
//
// Never use it outside of tests: a reader of such a database can try billions of
// passwords a second.
func CheapHashes(c *identity.Config) {
	if c.PasswordHasher == nil && c.Hash == (identity.HashParams{}) {
		c.PasswordHasher = cheap{}
	}
}
