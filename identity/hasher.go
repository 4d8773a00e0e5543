package identity

import (
	"errors"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

// PasswordHasher makes the hashes of new passwords, see [Config.PasswordHasher]. It gets
// passwords in NFC. Its methods must be safe for concurrent use; the service bounds how
// many run at the same time.
type PasswordHasher interface {
	// Accepts returns nil if the scheme can hash the password, or a [*PasswordError] of the
	// kind [PasswordLength] with Max set. It is called before any limit is charged, so it
	// must be cheap.
	Accepts(password Secret) error

	// Hash returns the hash to store, with a fresh salt.
	Hash(password Secret) (string, error)

	// Reads reports whether a stored text is a hash of the scheme at a cost that Matches
	// accepts. The service tries its own schemes for other texts, see [HashScheme].
	Reads(hash string) bool

	// Matches compares a password with a hash that Reads accepted.
	Matches(hash string, password Secret) (bool, error)

	// Current reports whether Hash would make such a hash today. If not, the hash is
	// replaced at the next login, unless [Config.KeepHashes] is set.
	Current(hash string) bool
}

// argonHasher is the default: argon2id at the configured cost.
type argonHasher struct{ *passhash.Hasher }

func newArgonHasher(p HashParams) argonHasher {
	return argonHasher{passhash.NewHasher(passhash.Params(p))}
}

func (argonHasher) Accepts(Secret) error                   { return nil }
func (h argonHasher) Hash(password Secret) (string, error) { return h.Create(password.Reveal()) }
func (argonHasher) Reads(hash string) bool                 { return passhash.Reads(hash) }

func (h argonHasher) Matches(hash string, password Secret) (bool, error) {
	stored, err := passhash.Parse(hash)
	if err != nil {
		return false, err
	}
	return h.Hasher.Matches(stored, password.Reveal())
}

func (h argonHasher) Current(hash string) bool {
	stored, err := passhash.Parse(hash)
	return err == nil && h.Hasher.Current(stored)
}

// truncates reports whether a match with the stored hash does not prove that the whole
// password is right. bcrypt reads 72 bytes, so a longer password that matched must not be
// hashed as the new password.
func truncates(hash string, password Secret) bool {
	stored, err := passhash.Parse(hash)
	return err == nil && stored.Truncates(password.Reveal())
}

// accepts asks the scheme whether it can hash a password.
func (p *passwords) accepts(password Secret) error {
	err := p.hasher.Accepts(password)
	if pe, ok := errors.AsType[*PasswordError](err); ok && pe.Min == 0 {
		full := *pe
		full.Min = p.policy.Min
		return &full
	}
	return err
}
