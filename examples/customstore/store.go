// Package customstore implements [identity.Storage] without bun or SQL, to show
// how little an application needs: the state in memory, and a journal of one JSON
// line for each call that changes it, on disk before the call is carried out.
// When the store is opened again, the journal is carried out again.
//
// That works because the port leaves nothing to chance: times and ids are
// arguments, and a call that is refused is refused again. What a real store on
// this pattern would add is a snapshot now and then, so that the journal does not
// grow for ever.
//
// The test runs storagetest, the suite that every store must pass: write that
// test first for a store of your own.
package customstore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/seed-16109ab2/rekey/storage/memory"
)

// Store is an [identity.Storage] on a journal, for one process. It is safe for
// concurrent use.
type Store struct {
	*memory.Store // what reads; methods.go overrides all that changes something

	mu     sync.Mutex
	file   *os.File
	size   int64
	broken error // the journal cannot be trusted any more
}

// entry is one line of the journal.
type entry struct {
	Method string          `json:"method"`
	Arg    json.RawMessage `json:"arg"`
}

// Open carries out the journal in the file, and makes it with mode 0600 if there
// is none. It fails for a file that is something else.
func Open(path string) (*Store, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("customstore: %w", err)
	}
	s := &Store{Store: memory.New(), file: file}
	if err := s.replay(); err != nil {
		return nil, errors.Join(fmt.Errorf("customstore: %w", err), file.Close())
	}
	return s, nil
}

// Check implements [identity.Checker]: a damaged journal takes no more calls.
func (s *Store) Check(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	return s.Store.Check(ctx)
}

// Close closes the journal.
func (s *Store) Close() error { return s.file.Close() }

func (s *Store) replay() error {
	methods := s.methods()
	lines := bufio.NewReader(s.file)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// A line without its end was being written when the process died: its call
			// was never answered, and is cut off.
			return s.file.Truncate(s.size)
		}
		if err != nil {
			return err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil || methods[e.Method] == nil {
			return fmt.Errorf("line %d is not a line of a journal", number)
		}
		if err := methods[e.Method](e.Arg); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		s.size += int64(len(line))
	}
}

// append puts a call on disk. If it cannot, the journal is as before, or the
// store is of no use any more: a call half written would be read as another.
func (s *Store) append(method string, arg any) error {
	if s.broken != nil {
		return s.broken
	}
	encoded, err := json.Marshal(arg)
	if err != nil {
		return err
	}
	var line bytes.Buffer
	if err := json.NewEncoder(&line).Encode(entry{method, encoded}); err != nil {
		return err
	}
	_, err = s.file.WriteAt(line.Bytes(), s.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		if cut := s.file.Truncate(s.size); cut != nil {
			s.broken = fmt.Errorf("customstore: journal damaged: %w", cut)
		}
		return fmt.Errorf("customstore: %w", err)
	}
	s.size += int64(line.Len())
	return nil
}

// change writes a call down and carries it out. The caller may leave before, not
// in between: a call that is written is done.
func change[A, R any](ctx context.Context, s *Store, method string, arg A, do func(context.Context, A) (R, error)) (result R, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return result, fmt.Errorf("customstore: %w", err)
	}
	if err := s.append(method, arg); err != nil {
		return result, err
	}
	return do(context.WithoutCancel(ctx), arg)
}
