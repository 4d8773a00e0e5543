package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/keyring"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
)

// ResetByMobile sets a new password for the user of a number, if the code is
// the one that was sent for it. On success the code is used, every other code of
// the number is dead, a notice to the user is queued, and so is the call of
// Config.OnPasswordReset. It signs nobody in.
//
// A refused password costs no attempt. Everything that could say whether the
// number has a user, or why a code does not count, is [ErrCodeRefused].
//
// Errors: [ErrClientMissing], [ErrClientNotFound], [ErrClientDisabled],
// [ErrTenantMissing], [ErrInvalidMobile], [*PasswordError], [ErrCodeRefused],
// [*RateLimitedError], [*BusyError]; anything else is a failure of storage or of
// a hook. After an error the old password is still the password, except when the
// connection to storage broke while committing.
func (s *Service) ResetByMobile(ctx context.Context, r ResetRequest) error {
	start := time.Now()
	err := s.resetByMobile(ctx, r)
	if errors.Is(err, ErrCodeRefused) {
		s.level(ctx, start)
	}
	return err
}

func (s *Service) resetByMobile(ctx context.Context, r ResetRequest) error {
	now := s.now()
	sc, err := s.scope(ctx, r.Caller)
	if err != nil {
		return err
	}
	mobile, region, err := s.mobiles.parse(r.Mobile)
	if err != nil {
		return err
	}
	password := normalizePassword(r.Password)
	if err := s.checkNewPassword(ctx, password, mobile); err != nil {
		return err
	}

	a := attempt{
		Service: s, now: now, request: r, scope: sc, mobile: mobile, password: password,
		meter: s.meter(sc, r.Caller, mobile, region),
	}
	if err := a.charge(ctx); err != nil {
		return err
	}
	if refused, err := a.judge(ctx); err != nil {
		a.release(ctx)
		return err
	} else if refused != "" {
		return a.refuse(ctx, refused)
	}
	return a.redeem(ctx)
}

// checkNewPassword applies the rules that no code can change the answer of.
func (s *Service) checkNewPassword(ctx context.Context, password, mobile string) error {
	if err := s.cfg.Password.check(password, mobile, s.cfg.ServiceName); err != nil {
		return err
	}
	if s.cfg.Breached == nil {
		return nil
	}
	breached, err := s.cfg.Breached.Breached(ctx, NewSecret(password))
	if err != nil {
		return fmt.Errorf("identity: look up breached passwords: %w", err)
	}
	if breached {
		return &PasswordError{Fault: PasswordWeak}
	}
	return nil
}

// attempt is one guess on its way through the reset.
type attempt struct {
	*Service
	now      time.Time
	request  ResetRequest
	scope    scope
	mobile   string
	password string // normalized
	meter    meter

	codes   []VerifyCode  // those the guess was charged to
	charges []limit.Limit // those spent, to refund if the guess was right
	locked  bool
	code    VerifyCode // the one that matched
	user    User
}

// charge pays for the guess, in a transaction of its own that is committed
// before anything is compared: no rollback gives a guess back, and of a thousand
// at once only as many as allowed get to compare.
func (a *attempt) charge(ctx context.Context) error {
	guesses, live, decoy := a.meter.guesses(), a.meter.liveGuesses(), a.meter.decoyGuesses()
	charged, err := a.store.ChargeAttempt(ctx, Attempt{
		Now:       a.now,
		Binding:   keyring.Fingerprint(a.binding(a.scope, a.request.Caller, PurposeForgotPassword, a.mobile)...),
		NumberKey: numberKey(a.scope, PurposeForgotPassword, a.mobile),
		Charges:   guesses, LiveCharges: live, DecoyCharges: decoy,
	})
	if err != nil {
		return limited(err, "charge attempt")
	}
	a.codes = charged.Codes
	if len(charged.Codes) > 0 {
		a.charges = append(guesses, live...)
	} else {
		a.charges = append(guesses, decoy...)
	}
	for _, spent := range charged.Spent {
		a.locked = a.locked || spent.Locked
	}
	a.alarms(ctx, a.now, charged.Spent)
	return nil
}

// judge compares the guess and returns why it is refused, or nothing. It does
// the same work whoever the number belongs to.
func (a *attempt) judge(ctx context.Context) (refused string, err error) {
	user, found, err := a.Service.user(ctx, a.scope, a.mobile)
	if err != nil {
		return "", err
	}
	a.user = user
	binding := a.binding(a.scope, a.request.Caller, PurposeForgotPassword, a.mobile)
	fields := digestFields(binding, a.request.Code.Reveal(), user)
	matched := false
	for i := range a.cfg.Limits.LiveCodes {
		var candidate VerifyCode
		if i < len(a.codes) {
			candidate = a.codes[i]
		}
		if a.keys.Matches(candidate.Digest, candidate.KeyID, fields...) {
			matched, a.code = true, candidate
		}
	}
	switch reason := ineligible(a.scope, user, found); {
	case len(a.codes) == 0:
		return outcomeNoCode, nil
	case !matched && reason != "":
		return reason, nil
	case !matched:
		return outcomeWrongCode, nil
	case a.locked:
		return outcomeLocked, nil
	case reason != "":
		return reason, nil
	}
	return a.guard(ctx)
}

func (a *attempt) guard(ctx context.Context) (refused string, err error) {
	if a.cfg.Guard == nil {
		return "", nil
	}
	err = a.cfg.Guard.AllowReset(ctx, GuardRequest{User: a.user, Purpose: PurposeForgotPassword, Caller: a.request.Caller})
	if refusal, ok := errors.AsType[*GuardRefusal](err); ok {
		return guardOutcome(refusal), nil
	}
	if err != nil {
		return "", fmt.Errorf("identity: ask guard: %w", err)
	}
	return "", nil
}

func guardOutcome(r *GuardRefusal) string { return "guard: " + clip(r.Reason, 200) }

// redeem hashes the password and commits the reset.
func (a *attempt) redeem(ctx context.Context) error {
	err := a.checkHistory(ctx)
	var phc string
	if err == nil {
		phc, err = a.createHash(ctx, a.password)
	}
	if err != nil {
		a.release(ctx)
		return err
	}
	r, err := a.redemption(phc)
	if err != nil {
		a.release(ctx)
		return err
	}
	if a.cfg.Users != nil {
		return a.redeemApart(ctx, r)
	}
	return a.redeemed(ctx, a.store.RedeemCode(ctx, r))
}

// redeemed says what became of the reset's one transaction.
func (a *attempt) redeemed(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrCodeSpent), errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return a.refuse(ctx, outcomeRaced)
	case err != nil:
		return fmt.Errorf("identity: redeem code: %w", err)
	}
	a.wake()
	return nil
}

// redemption is all that the reset's one transaction does.
func (a *attempt) redemption(phc string) (Redemption, error) {
	event, err := a.event(a.now, EventPasswordReset, a.scope, a.request.Caller, PurposeForgotPassword, a.mobile)
	if err != nil {
		return Redemption{}, err
	}
	event.UserID = a.user.ID
	// Never older than what it replaces, so that no session outlives the reset
	// because a clock stepped back.
	changed := a.now
	if !changed.After(a.user.PasswordChangedAt) {
		changed = a.user.PasswordChangedAt.Add(time.Millisecond)
	}
	messages, err := a.resetMessages(changed)
	if err != nil {
		return Redemption{}, err
	}
	return Redemption{
		Now: a.now, CodeID: a.code.ID, NumberKey: a.code.NumberKey,
		Password: &PasswordChange{
			Tenant: a.user.Tenant, UserID: a.user.ID, OldHash: a.user.PasswordHash, NewHash: phc,
			ChangedAt: changed, KeepHistory: a.cfg.Password.History,
		},
		SpentAt: a.now, Refunds: a.charges,
		// A login waits less after the password was reset, and the row of failures ends.
		Clear:    []limit.Key{a.meter.streakKey(), a.meter.loginKey()},
		Event:    event,
		Messages: messages,
	}, nil
}

// resetMessages are the notice to the user, over the channel that the password
// was reset by, and the embedder's event.
func (a *attempt) resetMessages(changed time.Time) ([]OutboxMessage, error) {
	lang := a.writer.language(a.request.Language)
	params := map[string]string{"time": changed.Format(noticeTime)}
	notice, err := a.message(a.now, a.now.Add(a.cfg.NoticeLifetime), delivery{
		Kind: deliverNotice, To: a.mobile, SMSKind: sms.KindPasswordChanged, Purpose: PurposeForgotPassword,
		Tenant: a.scope.tenant, Language: lang, Params: params, Text: a.writer.passwordChanged(lang, params), Apart: a.apart(changed),
	})
	if err != nil || a.cfg.OnPasswordReset == nil {
		return []OutboxMessage{notice}, err
	}
	id, err := a.newID()
	if err != nil {
		return nil, err
	}
	hook, err := a.seal(id, a.now, a.now.Add(a.cfg.EventLifetime), delivery{
		Kind:  deliverEvent,
		Reset: &PasswordResetEvent{ID: id, Tenant: a.user.Tenant, UserID: a.user.ID, ChangedAt: changed},
		Apart: a.apart(changed),
	})
	return []OutboxMessage{notice, hook}, err
}

// checkHistory refuses the present password and the remembered ones.
func (a *attempt) checkHistory(ctx context.Context) error {
	n := a.cfg.Password.History
	if n == 0 {
		return nil
	}
	earlier, err := a.people.PasswordHistory(ctx, a.user.Tenant, a.user.ID, n)
	if err != nil {
		return fmt.Errorf("identity: read password history: %w", err)
	}
	for _, phc := range append([]string{a.user.PasswordHash}, earlier...) {
		h, readable := a.storedHash(ctx, a.user.ID, phc)
		if !readable {
			continue
		}
		used, err := a.matchHash(ctx, h, a.password)
		if err != nil {
			return err
		}
		if used {
			return &PasswordError{Fault: PasswordReused}
		}
	}
	return nil
}

// refuse records why, and gives the one answer.
func (a *attempt) refuse(ctx context.Context, reason string) error {
	event, err := a.event(a.now, EventResetRefused, a.scope, a.request.Caller, PurposeForgotPassword, a.mobile)
	if err != nil {
		return err
	}
	event.Outcome, event.UserID = reason, a.user.ID
	if err := a.store.AppendEvent(ctx, event); err != nil {
		return fmt.Errorf("identity: record refusal: %w", err)
	}
	return ErrCodeRefused
}

// release gives back an attempt whose code was right, or that our own failure
// kept from being judged. It goes on when the caller has left.
func (a *attempt) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	ids := make([]string, len(a.codes))
	for i, c := range a.codes {
		ids[i] = c.ID
	}
	if err := a.store.ReleaseAttempt(ctx, Release{SpentAt: a.now, NumberKey: numberKey(a.scope, PurposeForgotPassword, a.mobile), CodeIDs: ids, Refunds: a.charges}); err != nil {
		a.cfg.Logger.WarnContext(ctx, "attempt not given back", "error", err)
	}
}
