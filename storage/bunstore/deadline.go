package bunstore

import (
	"errors"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// DefaultCallTimeout is how long a call of a store may take, unless [WithCallTimeout]
// sets another time.
const DefaultCallTimeout = 10 * time.Second

// WithCallTimeout ends each call of the store after d, if the caller's context does
// not end it earlier. The default is [DefaultCallTimeout]. Choose d shorter than the
// time that your server has to answer a request. [Store.Migrate] is exempt, because
// migrations of large tables may take long.
func WithCallTimeout(d time.Duration) Option {
	return func(s *Store) error {
		if d <= 0 {
			return errors.New("bunstore: the call timeout must be above 0")
		}
		s.timeout = d
		return nil
	}
}

// answer reports whether an error is an answer that [identity.Storage] defines, or stands
// for one, rather than a failure.
func answer(err error) bool {
	for _, a := range []error{identity.ErrNotFound, identity.ErrAlreadyExists, identity.ErrConflict, identity.ErrCodeSpent, errAllRefused} {
		if errors.Is(err, a) {
			return true
		}
	}
	_, refused := errors.AsType[*limit.Error](err)
	return refused
}
