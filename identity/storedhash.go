package identity

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

// checkPassword computes one hash, whoever the user is. The zero user has none.
func (s *Service) checkPassword(ctx context.Context, u User, password string) (bool, error) {
	h, readable := s.storedHash(ctx, u.ID, u.PasswordHash)
	if !readable {
		var err error
		if h, err = passhash.Parse(s.decoy); err != nil {
			return false, err
		}
	}
	ok, err := s.matchHash(ctx, h, password)
	return ok && readable, err
}

// storedHash reads a hash out of storage. One that cannot be read, of another
// scheme or with costs out of bounds, is no password: nobody can log in with it,
// and it says nothing about a new one. The operator is told of it, without the
// hash.
func (s *Service) storedHash(ctx context.Context, userID, phc string) (h passhash.Hash, readable bool) {
	if phc == "" {
		return passhash.Hash{}, false
	}
	h, err := passhash.Parse(phc)
	if err != nil {
		s.cfg.Logger.WarnContext(ctx, "stored password hash cannot be read", "user", userID, "error", err)
		return passhash.Hash{}, false
	}
	return h, true
}
