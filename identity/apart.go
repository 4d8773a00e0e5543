package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// What a reset does where people are kept in another database than codes, see
// [Config.Users].

const (
	// secondStep bounds the second of the two steps. It goes on when the caller has
	// left: half of a reset is no use to anybody.
	secondStep = 10 * time.Second
	// confirmPatience is how long the messages of a reset wait for its second step.
	confirmPatience = time.Minute
)

// changeApart is a change of a password that may not have happened.
type changeApart struct {
	Tenant    string    `json:"tenant,omitempty"`
	Mobile    string    `json:"mobile"`
	ChangedAt time.Time `json:"changed_at"`
}

func (a *attempt) apart(changed time.Time) *changeApart {
	if a.cfg.Users == nil {
		return nil
	}
	return &changeApart{Tenant: a.user.Tenant, Mobile: a.mobile, ChangedAt: changed}
}

// redeemApart uses the code up first: of two requests with it one gets on, and a
// failure after that leaves the old password, never a code that works twice.
func (a *attempt) redeemApart(ctx context.Context, r Redemption) error {
	change := *r.Password
	r.Password, r.Event.Type = nil, EventCodeRedeemed
	if err := a.redeemed(ctx, a.store.RedeemCode(ctx, r)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), secondStep)
	defer cancel()
	err := a.people.ReplacePassword(ctx, change)
	event, eventErr := a.event(a.now, EventPasswordReset, a.scope, a.request.Caller, PurposeForgotPassword, a.mobile)
	if eventErr != nil {
		return eventErr
	}
	event.UserID = a.user.ID
	if err != nil {
		event.Type, event.Outcome = EventResetFailed, "password not replaced"
	}
	if eventErr := a.store.AppendEvent(ctx, event); eventErr != nil {
		// The password's state is what counts, and the first step is in the trail.
		a.cfg.Logger.ErrorContext(ctx, "end of a reset not recorded", "error", eventErr)
	}
	switch {
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return ErrCodeRefused // changed otherwise meanwhile, or gone
	case err != nil:
		return fmt.Errorf("identity: replace password: %w", err)
	}
	a.wake()
	return nil
}

var errNotYet = errors.New("the password is not replaced yet")

// confirm holds a message back until the password that it speaks of has changed.
func (s *Service) confirm(ctx context.Context, m OutboxMessage, c *changeApart) error {
	if c == nil || s.cfg.Users == nil {
		return nil
	}
	u, err := s.people.UserByMobile(ctx, c.Tenant, c.Mobile)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil // the number has moved on: rather a notice too many
	case err != nil:
		return fmt.Errorf("identity: find user: %w", err)
	case !u.PasswordChangedAt.Before(c.ChangedAt):
		return nil
	case s.now().Before(m.CreatedAt.Add(confirmPatience)):
		return &sms.Error{Outcome: sms.Temporary, Err: errNotYet}
	}
	return &sms.Error{Outcome: sms.Permanent, Err: errors.New("the password was not replaced")}
}
