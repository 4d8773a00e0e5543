package bunstore

import (
	"context"
	"errors"
	"fmt"
)

// errUndo makes a transaction roll back although its function succeeded.
var errUndo = errors.New("rolled back")

// checkWritable returns an error if the database refuses writes. It deletes a row that
// does not exist, and rolls back.
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
	return fmt.Errorf("bunstore: the database refuses writes: %w", err)
}
