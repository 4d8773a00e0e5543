package resetpage

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// twice has a form that is sent twice do its work once: both get the answer of the
// first. Without JavaScript a double click sends the same form again before the
// first is answered. The service takes a code once, so that the second answer, which
// is the one that the browser shows, would say that the code is wrong.
//
// The memory is that of this process: with several servers, two posts of one
// double click may still reach two of them.
type twice struct {
	key [32]byte // of this process: what is kept says nothing without it

	mu   sync.Mutex
	work map[[32]byte]*work
}

// work is one form, on its way or done.
type work struct {
	done  chan struct{}
	err   error
	until time.Time // when it is forgotten, once it is done
}

// remembered is for how long a form that succeeded is known again. Forms that were
// refused are forgotten immediately: the person may send them again on purpose.
const remembered = time.Minute

func newTwice() *twice {
	t := &twice{work: map[[32]byte]*work{}}
	_, _ = rand.Read(t.key[:]) // never fails, see crypto/rand
	return t
}

// do calls f, or waits for the call with the same parts that is on its way or
// succeeded a moment ago. It returns early only for a caller who waits and leaves.
func (t *twice) do(ctx context.Context, now time.Time, f func() error, parts ...string) error {
	mac := hmac.New(sha256.New, t.key[:])
	mac.Write(sealContext(parts...))
	name := [32]byte(mac.Sum(nil))

	t.mu.Lock()
	if first, ok := t.work[name]; ok && (first.until.IsZero() || now.Before(first.until)) {
		t.mu.Unlock()
		select {
		case <-first.done:
			return first.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	mine := &work{done: make(chan struct{})}
	t.work[name] = mine
	t.mu.Unlock()

	finished := false
	defer func() {
		if !finished { // f panicked
			mine.err = context.Canceled
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		for other, w := range t.work {
			if !w.until.IsZero() && !now.Before(w.until) {
				delete(t.work, other)
			}
		}
		if mine.err != nil {
			delete(t.work, name)
		} else {
			mine.until = now.Add(remembered)
		}
		close(mine.done)
	}()
	mine.err = f()
	finished = true
	return mine.err
}
