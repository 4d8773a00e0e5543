package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// This file has the reset for applications whose users are in another database than the
// codes, see [Config.Users].

// confirmPatience is how long the messages of a reset wait for its second step.
const confirmPatience = time.Minute

// changeApart is a change of a password that may not have taken place.
type changeApart struct {
	Tenant    string    `json:"tenant,omitempty"`
	Mobile    string    `json:"mobile"`
	ChangedAt time.Time `json:"changed_at"`
}

// resetApart uses the code up first, so that only one of two requests with it continues. A
// later failure leaves the old password in place, but never a code that works twice.
func (s *Service) resetApart(ctx context.Context, g *guess, r Redemption) error {
	change := *r.Password
	r.Password, r.Event.Type = nil, audit.CodeRedeemed
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := s.committed(ctx, g, s.store.RedeemCode(callCtx, r)); err != nil {
		return err
	}
	// The second step continues when the caller has left, because half a reset is useless.
	asideCtx, cancelAside := s.aside(ctx)
	defer cancelAside()
	err := s.people.ReplacePassword(asideCtx, change)
	event, eventErr := s.trail.event(s.now(), audit.PasswordReset, g.scope, g.caller, g.purpose, g.number)
	if eventErr != nil {
		return eventErr
	}
	event.UserID = g.user.ID
	if err != nil {
		event.Type, event.Outcome = audit.ResetFailed, "password not replaced"
	}
	if eventErr := s.trail.recordBy(ctx, s.store, event, g.code.Provider); eventErr != nil {
		// The password was changed, and the first step is in the audit trail. That is enough.
		s.cfg.Logger.ErrorContext(ctx, "end of a reset not recorded", "error", eventErr)
	}
	switch {
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return ErrCodeRefused // the user was changed meanwhile, or is gone
	case err != nil:
		return fmt.Errorf("identity: replace password: %w", err)
	}
	s.announce(r, g.code.Provider)
	return nil
}

var errNotYet = errors.New("the password is not replaced yet")

// confirmApart holds a message back until the password that it reports has changed.
func (s *Service) confirmApart(ctx context.Context, m outbox.Message, c *changeApart) error {
	if c == nil || s.cfg.Users == nil {
		return nil
	}
	u, err := s.people.UserByMobile(ctx, c.Tenant, c.Mobile)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil // the number belongs to another user now: send the notice anyway
	case err != nil:
		return later(fmt.Errorf("identity: find user: %w", err))
	case !u.PasswordChangedAt.Before(c.ChangedAt):
		return nil
	case s.now().Before(m.CreatedAt.Add(confirmPatience)):
		return later(errNotYet)
	}
	return &sms.Error{Outcome: sms.Permanent, Err: errors.New("the password was not replaced")}
}
