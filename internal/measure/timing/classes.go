package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

// stage prepares users and codes for the classes.
type stage struct {
	svc     *workload.Service
	samples int
	ahead   *atomic.Int64
	users   int // made so far
}

// more makes users and returns the first one's index.
func (s *stage) more(ctx context.Context, n int) (first int, err error) {
	first = s.users
	s.users += n
	return first, s.svc.Users(ctx, first, s.users)
}

// fresh is the index of the first user that does not exist.
func (s *stage) unknown(n int) (first int) {
	first = s.users
	s.users += n
	return first
}

// guessed is how many codes a class needs that uses up attempts.
func (s *stage) guessed() int { return (s.samples + attempts - 1) / attempts }

func guess(mobile, code string) map[string]string {
	return map[string]string{"mobile": mobile, "verify_code": code, "password": workload.Password}
}

func (s *stage) resets(ctx context.Context) ([]*class, error) {
	n := s.guessed()

	// Codes that will have expired, and one that will be used.
	expired, err := s.more(ctx, n)
	if err != nil {
		return nil, err
	}
	expiredCodes, err := s.svc.Codes(ctx, expired, expired+n)
	if err != nil {
		return nil, err
	}
	s.ahead.Store(int64(6 * time.Minute))

	used, err := s.more(ctx, 1)
	if err != nil {
		return nil, err
	}
	usedCodes, err := s.svc.Codes(ctx, used, used+1)
	if err != nil {
		return nil, err
	}
	err = s.svc.ResetByMobile(ctx, identity.ResetRequest{
		Caller: workload.Caller(), Mobile: workload.Number(used), Code: identity.NewSecret(usedCodes[0]), Password: identity.NewSecret(workload.Password),
	})
	if err != nil {
		return nil, err
	}

	wrong, err := s.more(ctx, n)
	if err != nil {
		return nil, err
	}
	rightCodes, err := s.svc.Codes(ctx, wrong, wrong+n)
	if err != nil {
		return nil, err
	}
	none, err := s.more(ctx, n)
	if err != nil {
		return nil, err
	}
	disabled, err := s.more(ctx, n)
	if err != nil {
		return nil, err
	}
	disabledCodes, err := s.svc.Codes(ctx, disabled, disabled+n)
	if err != nil {
		return nil, err
	}
	if err := s.disable(ctx, disabled, disabled+n); err != nil {
		return nil, err
	}
	unknown := s.unknown(n)
	for i := range n {
		if err := s.send(ctx, unknown+i); err != nil {
			return nil, err
		}
	}
	idle := s.unknown(n)

	reset := func(name string, next func(i int) map[string]string) *class {
		return &class{name: name, path: workload.ResetPath, wants: http.StatusBadRequest, next: next}
	}
	return []*class{
		reset("wrong code", func(i int) map[string]string {
			return guess(workload.Number(wrong+i/attempts), otherThan(rightCodes[i/attempts]))
		}),
		reset("what cannot be a code", func(i int) map[string]string { return guess(workload.Number(wrong+i/attempts), "abcdef") }),
		reset("unknown number, code asked for", func(i int) map[string]string { return guess(workload.Number(unknown+i/attempts), "000000") }),
		reset("user disabled, right code", func(i int) map[string]string {
			return guess(workload.Number(disabled+i/attempts), disabledCodes[i/attempts])
		}),
		reset("no code asked for", func(i int) map[string]string { return guess(workload.Number(none+i/attempts), "000000") }),
		reset("unknown number, no code asked for", func(i int) map[string]string { return guess(workload.Number(idle+i/attempts), "000000") }),
		reset("code expired", func(i int) map[string]string {
			return guess(workload.Number(expired+i/attempts), expiredCodes[i/attempts])
		}),
		reset("code used", func(int) map[string]string { return guess(workload.Number(used), usedCodes[0]) }),
	}, nil
}

func (s *stage) sends(ctx context.Context) ([]*class, error) {
	const n = 200 // numbers of each class, in turn
	known, err := s.more(ctx, n)
	if err != nil {
		return nil, err
	}
	disabled, err := s.more(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := s.disable(ctx, disabled, disabled+n); err != nil {
		return nil, err
	}
	unknown := s.unknown(n)
	send := func(name string, first int) *class {
		return &class{name: name, path: workload.SendPath, wants: http.StatusOK, next: func(i int) map[string]string {
			return map[string]string{"mobile": workload.Number(first + i%n), "type": string(identity.PurposeForgotPassword)}
		}}
	}
	return []*class{send("user", known), send("user disabled", disabled), send("unknown number", unknown)}, nil
}

func (s *stage) send(ctx context.Context, i int) error {
	return s.svc.SendVerifyCode(ctx, identity.SendRequest{
		Caller: workload.Caller(), Mobile: workload.Number(i), Purpose: identity.PurposeForgotPassword,
	})
}

func (s *stage) disable(ctx context.Context, first, last int) error {
	disabled := true
	for i := first; i < last; i++ {
		u, err := s.svc.UserByMobile(ctx, "", workload.Number(i))
		if err != nil {
			return err
		}
		if err := s.svc.UpdateUser(ctx, identity.UserChange{ID: u.ID, Disabled: &disabled}); err != nil {
			return fmt.Errorf("disable: %w", err)
		}
	}
	return nil
}

// otherThan is a code that is not the given one.
func otherThan(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}
