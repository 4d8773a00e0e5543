package bunstore

import (
	"context"
	"errors"
	"fmt"
)

// errUndo rolls a transaction back that did what it was for.
var errUndo = errors.New("rolled back")

// checkWritable reports whether a write would be accepted. It removes a row that
// no limit has, and rolls that back.
func (s *Store) checkWritable(ctx context.Context) error {
	if s.joined != nil {
		return nil
	}
	err := s.inTx(ctx, func(t *tx) error {
		if _, err := t.exec("DELETE FROM rekey_limits WHERE limit_key = '' AND shard = 0"); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return fmt.Errorf("bunstore: the database takes no writes: %w", err)
}
