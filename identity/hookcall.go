package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/observe"
)

// HookError is a failure of something that the application configured: it returned an
// error, panicked, or did not return in time.
type HookError struct {
	// Hook is the field of [Config]: "Guard", "Captcha", "Breached", "OnPasswordReset",
	// "OnEvent" or "SMS".
	Hook string
	Err  error // what the hook returned, or what happened instead
}

func (e *HookError) Error() string { return fmt.Sprintf("identity: hook %s: %v", e.Hook, e.Err) }

// Unwrap returns Err.
func (e *HookError) Unwrap() error { return e.Err }

const (
	// hookGrace is how much longer than its time-out a hook may take to notice that its
	// context has ended, and to say what happened.
	hookGrace = time.Second
	// hookCalls is how many calls of one hook may be under way at the same time, those
	// that were left behind included.
	hookCalls = 1024
)

var (
	// errHookPanic leaves the panic's value out, which may hold what a caller sent.
	errHookPanic = errors.New("panic")
	errHookFull  = errors.New("not called, because too many calls have not returned")
)

// hook is something of the application's that may hang. Each call has a deadline. A
// call that ignores it is left behind: nobody waits for it, and its answer is dropped.
type hook struct {
	name    string
	timeout time.Duration
	calls   chan struct{} // one place for each call under way
}

func newHook(name string, timeout time.Duration, calls int) *hook {
	return &hook{name: name, timeout: timeout, calls: make(chan struct{}, calls)}
}

// call calls f. Its error is f's, or a *HookError if f panicked, did not return in
// time, or was not called because too many calls are under way.
func call[T any](ctx context.Context, h *hook, f func(context.Context) (T, error)) (result T, err error) {
	select {
	case h.calls <- struct{}{}:
	default:
		return result, &HookError{Hook: h.name, Err: errHookFull}
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	type answer struct {
		result T
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		defer func() { <-h.calls }()
		a := answer{err: &HookError{Hook: h.name, Err: errHookPanic}}
		defer func() {
			_ = recover()
			answers <- a
		}()
		a.result, a.err = f(ctx)
	}()
	select {
	case a := <-answers:
		return a.result, a.err
	case <-ctx.Done():
	}
	grace := time.NewTimer(hookGrace)
	defer grace.Stop()
	select {
	case a := <-answers:
		return a.result, a.err
	case <-grace.C:
		return result, &HookError{Hook: h.name, Err: fmt.Errorf("has not returned: %w", ctx.Err())}
	}
}

// act is call for a function with no result but its error.
func act(ctx context.Context, h *hook, f func(context.Context) error) error {
	_, err := call(ctx, h, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// hooks are the application's, each with its own calls.
type hooks struct {
	guard, captcha, breached *hook
	reset, event             *hook
	sms                      *hook
}

func newHooks(c *Config) hooks {
	return hooks{
		guard:    newHook("Guard", c.HookTimeout, hookCalls),
		captcha:  newHook("Captcha", c.HookTimeout, hookCalls),
		breached: newHook("Breached", c.HookTimeout, hookCalls),
		reset:    newHook("OnPasswordReset", c.SendTimeout, hookCalls),
		event:    newHook("OnEvent", c.SendTimeout, hookCalls),
		sms:      newHook("SMS", c.SendTimeout, hookCalls+c.SendConcurrency),
	}
}

// hookFailed counts the failure of a hook and puts the hook's name on it.
func (s *Service) hookFailed(ctx context.Context, h *hook, err error) error {
	s.observe(ctx, observe.Observation{Kind: observe.KindFault, Outcome: "hook " + h.name})
	return failedHook(h, err)
}

// failedHook is the failure of a hook with the hook's name on it; nil if err is nil.
func failedHook(h *hook, err error) error {
	if err == nil {
		return nil
	}
	if _, named := errors.AsType[*HookError](err); named {
		return err
	}
	return &HookError{Hook: h.name, Err: err}
}
