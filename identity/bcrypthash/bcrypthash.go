// Package bcrypthash makes bcrypt hashes, for teams with other services that read the
// column that Rekey writes.
//
//	hasher, err := bcrypthash.New(bcrypthash.Options{})
//	…
//	identity.New(identity.Config{PasswordHasher: hasher, …})
//
// bcrypt reads 72 bytes of a password: 72 English letters, or 24 Chinese characters. A
// longer new password is refused before a code is charged. If it were cut silently, the
// password would be shorter than the person believes.
//
// If no other service reads the column, keep the default, argon2id: bcrypt needs so little
// memory that graphics cards guess it much faster.
package bcrypthash

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed-16109ab2/rekey/identity"
)

// Options configure the hashes.
type Options struct {
	// Cost is the logarithm of the number of rounds: 10 to 16, default 12. Each step
	// doubles the time; 12 takes about 0.2 s. OWASP asks for 10 at least.
	Cost int
	// Prefix is written before each hash. Spring Security's DelegatingPasswordEncoder
	// needs "{bcrypt}". Default none. Hashes are read with and without it.
	Prefix string
}

// The bounds of the cost, and how many bytes of a password bcrypt reads.
const (
	minCost, maxCost = 10, 16
	maxBytes         = 72
)

// Hasher is an [identity.PasswordHasher].
type Hasher struct {
	cost   int
	prefix string
}

var _ identity.PasswordHasher = (*Hasher)(nil)

// New returns a hasher. Error: a cost out of bounds, or a prefix that is not
// "{bcrypt}" or empty.
func New(o Options) (*Hasher, error) {
	if o.Cost == 0 {
		o.Cost = 12
	}
	if o.Cost < minCost || o.Cost > maxCost {
		return nil, fmt.Errorf("bcrypthash: the cost is %d, must be %d to %d", o.Cost, minCost, maxCost)
	}
	if o.Prefix != "" && o.Prefix != "{bcrypt}" {
		return nil, fmt.Errorf("bcrypthash: the prefix is %q, must be %q or empty", o.Prefix, "{bcrypt}")
	}
	return &Hasher{cost: o.Cost, prefix: o.Prefix}, nil
}

// Accepts implements [identity.PasswordHasher]: it refuses more than 72 bytes.
func (*Hasher) Accepts(password identity.Secret) error {
	p := password.Reveal()
	if len(p) <= maxBytes {
		return nil
	}
	most := utf8.RuneCountInString(strings.ToValidUTF8(p[:maxBytes], ""))
	return &identity.PasswordError{Fault: identity.PasswordLength, Max: most}
}

// Hash implements [identity.PasswordHasher].
func (h *Hasher) Hash(password identity.Secret) (string, error) {
	if err := h.Accepts(password); err != nil {
		return "", err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password.Reveal()), h.cost)
	if err != nil {
		return "", fmt.Errorf("bcrypthash: %w", err)
	}
	return h.prefix + string(hash), nil
}

// cost returns a hash without the prefix, and its cost.
func cost(hash string) (bare string, cost int, ok bool) {
	bare = strings.TrimPrefix(hash, "{bcrypt}")
	if len(bare) != 60 {
		return "", 0, false
	}
	cost, err := bcrypt.Cost([]byte(bare))
	return bare, cost, err == nil && cost <= maxCost
}

// Reads implements [identity.PasswordHasher]: hashes that begin with $2a$, $2b$ or
// $2y$, up to cost 16, with or without "{bcrypt}".
func (*Hasher) Reads(hash string) bool {
	bare, _, ok := cost(hash)
	return ok && (strings.HasPrefix(bare, "$2a$") || strings.HasPrefix(bare, "$2b$") || strings.HasPrefix(bare, "$2y$"))
}

// Matches implements [identity.PasswordHasher]. It reads the first 72 bytes of the
// password, as every bcrypt does.
func (*Hasher) Matches(hash string, password identity.Secret) (bool, error) {
	bare, _, ok := cost(hash)
	if !ok {
		return false, errors.New("bcrypthash: the stored hash is malformed")
	}
	p := []byte(password.Reveal())
	err := bcrypt.CompareHashAndPassword([]byte(bare), p[:min(len(p), maxBytes)])
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, errors.New("bcrypthash: the stored hash is malformed")
	}
	return true, nil
}

// Current implements [identity.PasswordHasher]: bcrypt at the cost and with the
// prefix that Hash writes.
func (h *Hasher) Current(hash string) bool {
	_, c, ok := cost(hash)
	return ok && h.Reads(hash) && c == h.cost && h.prefix == hash[:len(hash)-60]
}
