package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// ResetByMobile sets a new password for the user of a number, if the code is
// the one that was sent for it. On success the code is used, every other code of
// the number ends, the device becomes a known device, and a notice to the user and
// the call of Config.OnPasswordReset are queued. The user is not signed in.
//
// A refused password costs no attempt. Everything that could say whether the
// number has a user, or why a code does not count, is [ErrCodeRefused].
//
// Errors: [ErrClientMissing], [ErrDeviceMissing], [ErrClientNotFound],
// [ErrClientDisabled], [ErrTenantMissing], [ErrInvalidMobile], [*PasswordError],
// [ErrCodeRefused], [*RateLimitedError], [*BusyError]; anything else is a failure
// of storage or a [*HookError]. After an error the old password is still the password,
// except when the connection to storage broke while committing.
func (s *Service) ResetByMobile(ctx context.Context, r ResetRequest) error {
	start := time.Now()
	err := s.resetByMobile(ctx, r)
	if errors.Is(err, ErrCodeRefused) {
		s.level(ctx, start)
	}
	return err
}

func (s *Service) resetByMobile(ctx context.Context, r ResetRequest) error {
	place, err := s.passwords.reserveHash(ctx)
	if err != nil {
		return err
	}
	defer place.leave()
	g, err := s.newGuess(ctx, r.Caller, PurposeForgotPassword, r.Mobile, r.Code)
	if err != nil {
		return err
	}
	defer g.turn.leave()
	password := normalize(r.Password)
	if err := s.acceptPassword(ctx, place, g, password); err != nil {
		return err
	}
	if g.notACode {
		return s.refuseNotACode(ctx, g)
	}
	if err := s.charge(ctx, g); err != nil {
		return err
	}
	if refused, err := s.judge(ctx, g); err != nil {
		s.release(ctx, g)
		return err
	} else if refused != "" {
		place.leave() // no hash will be computed
		return s.refuse(ctx, g, refused)
	}
	return s.reset(ctx, g, password)
}

// acceptPassword applies the rules that need no code. A refusal took work, so it
// counts for the network.
func (s *Service) acceptPassword(ctx context.Context, l *place, g *guess, password Secret) error {
	err := s.passwords.accept(ctx, l, password, g.number)
	if _, refused := errors.AsType[*PasswordError](err); refused {
		return s.refusal(ctx, s.meter.networkRefusals(s.subject(g.scope, g.caller, g.number)), err)
	}
	return err
}

// reset hashes the password and commits the reset.
func (s *Service) reset(ctx context.Context, g *guess, password Secret) error {
	err := s.checkHistory(ctx, g, password)
	var phc string
	if err == nil {
		phc, err = s.passwords.create(ctx, password)
	}
	if err != nil {
		s.release(ctx, g)
		return err
	}
	r, err := s.redemption(g, phc)
	if err != nil {
		s.release(ctx, g)
		return err
	}
	if s.cfg.Users != nil {
		return s.resetApart(ctx, g, r)
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := s.committed(ctx, g, s.store.RedeemCode(callCtx, r)); err != nil {
		return err
	}
	s.announce(r, g.code.Provider)
	return nil
}

// announce wakes the lanes that deliver the messages of a committed reset. The provider is
// the one that took the code.
func (s *Service) announce(r Redemption, provider string) {
	s.observeEvent(r.Event, provider)
	s.relay.wake(outbox.LaneNotice)
	s.relay.wake(outbox.LaneEvent)
}

// redemption describes the one transaction of a reset.
func (s *Service) redemption(g *guess, phc string) (Redemption, error) {
	now := s.now()
	event, err := s.trail.event(now, audit.PasswordReset, g.scope, g.caller, g.purpose, g.number)
	if err != nil {
		return Redemption{}, err
	}
	event.UserID = g.user.ID
	// The new time is never before the old one, so that no session outlives the reset
	// because a clock stepped back.
	changed := now
	if !changed.After(g.user.PasswordChangedAt) {
		changed = g.user.PasswordChangedAt.Add(time.Millisecond)
	}
	messages, err := s.resetMessages(g, now, changed)
	if err != nil {
		return Redemption{}, err
	}
	more, err := s.trail.messages(event)
	if err != nil {
		return Redemption{}, err
	}
	return Redemption{
		// A code expires by the time at which it was judged.
		Now: g.at, CodeID: g.code.ID, NumberKey: g.code.NumberKey, ClientID: g.scope.client.ID,
		Password: &PasswordChange{
			Tenant: g.user.Tenant, UserID: g.user.ID, OldHash: g.user.PasswordHash, NewHash: phc,
			Mobile: g.user.Mobile, ChangedAt: changed, KeepHistory: s.cfg.Password.History,
		},
		Changes:  s.changes(g),
		Event:    event,
		Messages: append(messages, more...),
	}, nil
}

// resetMessages are the notice to the user, over the channel that the password
// was reset by, and the application's event.
func (s *Service) resetMessages(g *guess, now, changed time.Time) ([]outbox.Message, error) {
	lang := s.writer.language(g.caller.Language)
	params := map[string]string{"time": changed.Format(noticeTime)}
	notice, err := s.relay.message(outbox.LaneNotice, now, now.Add(s.cfg.NoticeLifetime), delivery{
		Kind: deliverNotice, To: g.number.E164(), SMSKind: sms.KindPasswordChanged, Purpose: g.purpose,
		Tenant: g.scope.tenant, Language: lang, Params: params, Text: s.writer.passwordChanged(lang, params),
		Caller: &Caller{ClientID: g.scope.client.ID}, Apart: s.apart(g, changed),
	})
	if err != nil || s.cfg.OnPasswordReset == nil {
		return []outbox.Message{notice}, err
	}
	id, err := s.ids.next()
	if err != nil {
		return nil, err
	}
	hook, err := s.relay.seal(id, outbox.LaneEvent, now, now.Add(s.cfg.EventLifetime), delivery{
		Kind:  deliverReset,
		Reset: &PasswordResetEvent{ID: id, Tenant: g.user.Tenant, UserID: g.user.ID, ChangedAt: changed},
		Apart: s.apart(g, changed),
	})
	return []outbox.Message{notice, hook}, err
}

// checkHistory refuses the present password and the remembered ones. A remembered hash
// that cannot be read is skipped.
func (s *Service) checkHistory(ctx context.Context, g *guess, password Secret) error {
	n := s.cfg.Password.History
	if n == 0 {
		return nil
	}
	who := s.subject(g.scope, g.caller, g.number)
	who.account = accountOf(g.user)
	reuse := s.meter.reuse(who)
	if _, err := s.look(ctx, reuse); err != nil {
		return err
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	earlier, err := s.people.PasswordHistory(callCtx, g.user.Tenant, g.user.ID, n)
	if err != nil {
		return fmt.Errorf("identity: read password history: %w", err)
	}
	for _, phc := range append([]string{g.user.PasswordHash}, earlier...) {
		if phc == "" || !s.passwords.readable(phc) {
			continue
		}
		used, err := s.passwords.matches(ctx, phc, password)
		if err != nil {
			return err
		}
		if used {
			return s.refusal(ctx, reuse, &PasswordError{Fault: PasswordReused})
		}
	}
	return nil
}

// reuse limits how often a device with a right code may try passwords against the
// history, because each try computes hashes.
func (m meter) reuse(who subject) limit.Limit {
	return limit.Limit{
		Key: m.key("reuse", append(who.of(), who.client, who.device)...), Kind: kindRefusal,
		Rules: []limit.Rule{{Name: "used passwords tried", Rates: []limit.Rate{{Limit: 10, Per: time.Hour}}}},
	}
}

// apart returns what the messages of a reset wait for, where people are kept in
// another database.
func (s *Service) apart(g *guess, changed time.Time) *changeApart {
	if s.cfg.Users == nil {
		return nil
	}
	return &changeApart{Tenant: g.user.Tenant, Mobile: g.number.E164(), ChangedAt: changed}
}
