package smstest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/seed-16109ab2/rekey/sms"
)

// RecorderName is the provider's name in the result of a Recorder's Send.
const RecorderName = "recorder"

// Recorder is an [sms.Sender] that keeps messages instead of sending them. The zero
// Recorder is ready to use. It is safe for concurrent use. Do not copy it.
type Recorder struct {
	mu       sync.Mutex
	sent     []sms.Message
	taken    []bool // by index of sent: handed out by Next
	attempts int
	failures []failure
	changed  chan struct{} // closed at the next message; nil if no call waits
}

type failure struct {
	left int // negative: for ever
	err  error
}

// Send records a copy of m, or fails if [Recorder.FailNext] said so. A failed
// message is counted but not recorded. A message that is sent again is recorded
// again. If ctx ended, Send records nothing and returns a temporary [*sms.Error].
func (r *Recorder) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts++
	if err := ctx.Err(); err != nil {
		return sms.Accepted{}, &sms.Error{Outcome: sms.Temporary, Err: err}
	}
	if len(r.failures) > 0 {
		f := &r.failures[0]
		err := f.err
		if f.left > 0 {
			if f.left--; f.left == 0 {
				r.failures = r.failures[1:]
			}
		}
		return sms.Accepted{}, err
	}
	m.Params = maps.Clone(m.Params)
	r.sent = append(r.sent, m)
	r.taken = append(r.taken, false)
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
	return sms.Accepted{Provider: RecorderName, Ref: fmt.Sprintf("recorded-%d", len(r.sent))}, nil
}

// Next returns the oldest message to a number (E.164) that no call of Next has
// returned before. It waits for one until ctx ends, and then wraps ctx's error.
func (r *Recorder) Next(ctx context.Context, to string) (sms.Message, error) {
	for {
		r.mu.Lock()
		for i, m := range r.sent {
			if m.To == to && !r.taken[i] {
				r.taken[i] = true
				r.mu.Unlock()
				m.Params = maps.Clone(m.Params)
				return m, nil
			}
		}
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed, count := r.changed, len(r.sent)
		r.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return sms.Message{}, fmt.Errorf("smstest: no further message to that number among %d recorded: %w", count, ctx.Err())
		}
	}
}

// All returns every recorded message, oldest first, whether or not Next returned it.
func (r *Recorder) All() []sms.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]sms.Message, len(r.sent))
	for i, m := range r.sent {
		m.Params = maps.Clone(m.Params)
		out[i] = m
	}
	return out
}

// Attempts returns how many times Send was called, failures included.
func (r *Recorder) Attempts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempts
}

// FailNext makes the next n sends return err, after the sends that earlier calls
// made fail. A negative n makes all further sends fail; 0 does nothing. If err is
// nil, they return a plain error, which is no [*sms.Error].
func (r *Recorder) FailNext(n int, err error) {
	if n == 0 {
		return
	}
	if err == nil {
		err = errors.New("smstest: failed because of FailNext")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, failure{left: n, err: err})
}

// Reset forgets messages, counts and failures. Waiting calls of Next keep waiting.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent, r.taken, r.attempts, r.failures = nil, nil, 0, nil
}
