package resetpage

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// twice makes a form that is sent twice do its work once: both requests get the answer
// of the first. Without JavaScript a double click sends the same form again before the
// first is answered. The service accepts a code once, so the second answer, which the
// browser shows, would say that the code is wrong. A second send would say that there were
// too many.
//
// twice works within one process. With several servers, the two posts of a double click
// may reach two of them.
type twice struct {
	key [32]byte // of this process; without it the kept digests reveal nothing

	mu   sync.Mutex
	work map[[32]byte]*work
}

// work is one form that is being handled or was handled.
type work struct {
	done  chan struct{}
	err   error
	until time.Time // when it is forgotten, once it is done
}

// How long a form that succeeded is remembered. Refused forms are forgotten immediately,
// because the person may send them again on purpose.
const (
	resetRemembered = time.Minute
	sendRemembered  = 5 * time.Second // a later one asks for another code
)

func newTwice() *twice {
	t := &twice{work: map[[32]byte]*work{}}
	_, _ = rand.Read(t.key[:]) // never fails, see crypto/rand
	return t
}

// do calls f, unless a call with the same parts is running or succeeded a moment ago; it
// then returns the result of that call. A call that succeeds is remembered for so long. It
// returns early only if a waiting caller leaves.
func (t *twice) do(ctx context.Context, now time.Time, remembered time.Duration, f func() error, parts ...string) error {
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
