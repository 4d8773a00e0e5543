package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/observe"
)

// HookError is a failure of a function or an interface that the application configured: it
// returned an error, panicked, or did not return in time.
type HookError struct {
	// Hook is the field of [Config]: "Guard", "Captcha", "Breached", "OnPasswordReset",
	// "OnEvent" or "SMS".
	Hook string
	Err  error // the hook's error, or what happened instead
}

func (e *HookError) Error() string { return fmt.Sprintf("identity: hook %s: %v", e.Hook, e.Err) }

// Unwrap returns Err.
func (e *HookError) Unwrap() error { return e.Err }

const (
	// hookGrace is how much longer than its time-out a hook may take, so that it can notice
	// the end of its context and return an error.
	hookGrace = time.Second
	// hookCalls is how many calls of one hook may be under way at the same time, including
	// abandoned calls.
	hookCalls = 1024
)

var (
	// errHookPanic does not hold the panic's value, which may contain what a caller sent.
	errHookPanic = errors.New("panic")
	errHookFull  = errors.New("not called, because too many calls have not returned")
)

// hook calls code of the application, which may hang. Each call has a deadline. A call that
// ignores the deadline is abandoned, and its result is dropped.
type hook struct {
	name    string
	timeout time.Duration
	calls   chan struct{} // one place for each call under way
}

func newHook(name string, timeout time.Duration, calls int) *hook {
	return &hook{name: name, timeout: timeout, calls: make(chan struct{}, calls)}
}

// call calls f. It returns the error of f, or a *HookError if f panicked, did not return in
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

// act is call for a function that returns only an error.
func act(ctx context.Context, h *hook, f func(context.Context) error) error {
	_, err := call(ctx, h, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// hooks are the hooks of the application, each with its own calls.
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

// hookFailed counts the failure of a hook and adds the hook's name to it.
func (s *Service) hookFailed(ctx context.Context, h *hook, err error) error {
	s.observe(ctx, observe.Observation{Kind: observe.KindFault, Outcome: "hook " + h.name})
	return failedHook(h, err)
}

// failedHook returns the failure of a hook with the hook's name; nil if err is nil.
func failedHook(h *hook, err error) error {
	if err == nil {
		return nil
	}
	if _, named := errors.AsType[*HookError](err); named {
		return err
	}
	return &HookError{Hook: h.name, Err: err}
}
