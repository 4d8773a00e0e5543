package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/observe"
)

// guess is one attempt to use a code, as it passes through the use case.
type guess struct {
	at      time.Time
	caller  Caller
	scope   scope
	purpose Purpose
	number  mobile.Number
	input   string // the code as entered, read by parseCode
	// notACode says that the input cannot be a code.
	notACode bool

	turn turn // at storage, until it is charged

	known  bool // the number knows the device
	user   User
	found  bool
	reason string // why the number must not use a code for the purpose; empty if it may

	charges []limit.Limit // the limits spent, to take back if the guess was right
	numbers limit.Limit   // the limit of the number
	codes   []VerifyCode  // the codes to which the guess was charged
	code    VerifyCode    // the code that matched
}

// newGuess checks everything that needs no code: the client, the number, and whether the
// network may guess. The caller calls turn.leave.
func (s *Service) newGuess(ctx context.Context, c Caller, purpose Purpose, input string, code Secret) (*guess, error) {
	turn, err := s.admit(ctx)
	if err != nil {
		return nil, err
	}
	g := &guess{turn: turn, caller: c, purpose: purpose}
	digits, ok := parseCode(code, s.cfg.CodeDigits)
	g.input, g.notACode = digits, !ok
	err = turn.do(ctx, func() (err error) {
		if g.scope, err = s.scope(ctx, c); err != nil {
			return err
		}
		if g.number, err = s.parse(input); err != nil {
			return err
		}
		g.at = s.now()
		return s.lookAtGuess(ctx, g)
	})
	if err != nil {
		turn.leave()
		return nil, err
	}
	return g, nil
}

// lookAtGuess refuses before any work what the limits would refuse after it. It treats all
// numbers alike, also numbers whose guesses do not count.
func (s *Service) lookAtGuess(ctx context.Context, g *guess) error {
	who := s.subject(g.scope, g.caller, g.number)
	g.numbers = s.meter.numberGuesses(who)
	limits := []limit.Limit{g.numbers, s.meter.networkGuesses(who), s.meter.networkRefusals(who), s.meter.totalGuesses(true)}
	states, err := s.limitStates(ctx, limits)
	if err != nil {
		return err
	}
	if g.known, err = g.numbers.Knows(states[g.numbers.Key], g.at); err != nil {
		return s.limited(ctx, err, "look at limits")
	}
	if g.known {
		limits = limits[:3] // the breaker applies to strangers only
	}
	_, refused, err := s.lookAt(ctx, limits, states)
	if err == nil && refused != nil {
		err = s.guessRefused(ctx, g, refused)
	}
	return err
}

// guessRefused handles a refusal by limits.
func (s *Service) guessRefused(ctx context.Context, g *guess, err error) error {
	if refused, ok := errors.AsType[*limit.Error](err); ok && locked(refused) {
		s.lock(ctx, g.at, g.scope, g.caller, g.purpose, g.number)
	}
	return s.limited(ctx, err, "charge attempt")
}

// charge charges the guess, in its own transaction that is committed before the code is
// compared. So no rollback gives a guess back, and of a thousand concurrent guesses only
// the allowed number is compared.
func (s *Service) charge(ctx context.Context, g *guess) error {
	defer g.turn.leave()
	return g.turn.do(ctx, func() error { return s.chargeNow(ctx, g) })
}

func (s *Service) chargeNow(ctx context.Context, g *guess) error {
	var err error
	if g.user, g.found, err = s.user(ctx, g.scope.tenant, g.number); err != nil {
		return err
	}
	g.reason = ineligible(g.scope, g.purpose, g.user, g.found)
	who := s.subject(g.scope, g.caller, g.number)
	network := s.meter.networkGuesses(who)
	total := s.meter.totalGuesses(g.reason == "" && !g.known)
	live := []limit.Limit{g.numbers, total}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	charged, err := s.store.ChargeAttempt(callCtx, Attempt{
		Now: g.at, Binding: s.rowKey(s.binding(g.scope, g.caller, g.purpose, g.number)),
		NumberKey: s.numberKey(g.scope, g.purpose, g.number),
		Charges:   []limit.Limit{network}, LiveCharges: live,
		Providers: s.cfg.Observer != nil,
	})
	if err != nil {
		return s.guessRefused(ctx, g, err)
	}
	g.codes, g.charges = charged.Codes, []limit.Limit{network}
	if len(g.codes) > 0 {
		g.charges = append(g.charges, live...)
		if g.reason == "" && !g.known && len(charged.Spent) > 2 {
			s.alarms(ctx, g.at, []limit.Limit{total}, charged.Spent[2:])
		}
	}
	return nil
}

// lock reports to the operator, once an hour, that a number is locked for guesses or logins
// of strangers.
func (s *Service) lock(ctx context.Context, at time.Time, sc scope, c Caller, p Purpose, number mobile.Number) {
	key := s.meter.key("locked", sc.tenant, number.E164())
	if !s.alarmed.due(key, at, time.Hour) {
		return
	}
	once := limit.Limit{Key: key, Rules: []limit.Rule{{Name: "locked", Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}}
	asideCtx, cancel := s.aside(ctx)
	defer cancel()
	if _, err := s.store.Spend(asideCtx, []limit.Limit{once}, at); err != nil {
		return // recorded within the hour, or storage is down and others say so
	}
	event, err := s.trail.event(at, audit.UserLocked, sc, c, p, number)
	if err == nil {
		if event.Outcome = "too many wrong codes from new devices"; p == "" {
			event.Outcome = "too many failed logins from new devices"
		}
		err = s.trail.record(ctx, s.store, event)
	}
	if err != nil {
		s.log.once(ctx, "lock not recorded", "error", err)
	}
}

// judge compares the guess. It returns the reason for a refusal, or the empty string. It
// does the same work for all numbers.
func (s *Service) judge(ctx context.Context, g *guess) (refused string, err error) {
	binding := s.binding(g.scope, g.caller, g.purpose, g.number)
	fields := digestFields(binding, g.input, g.user)
	matched := false
	compared := 1 // each device has one code
	if s.cfg.InsecureAnyDevice {
		compared = s.cfg.Limits.LiveCodes
	}
	for i := range max(compared, len(g.codes)) {
		var candidate VerifyCode
		if i < len(g.codes) {
			candidate = g.codes[i]
			if !s.keys.Knows(candidate.KeyID) {
				return "", errUnknownSecret
			}
		}
		if s.keys.Matches(candidate.Digest, candidate.KeyID, fields...) {
			matched, g.code = true, candidate
		}
	}
	switch {
	case len(g.codes) == 0:
		return outcomeNoCode, nil
	case !matched && g.reason != "":
		return g.reason, nil
	case !matched:
		return outcomeWrongCode, nil
	case g.reason != "":
		return g.reason, nil
	}
	if s.cfg.Guard == nil {
		return "", nil
	}
	return s.guarded(ctx, s.cfg.Guard.AllowReset, GuardRequest{User: g.user, Purpose: g.purpose, Caller: g.caller})
}

// errUnknownSecret says that another server made the code with a secret that this server
// does not list, so that this server cannot judge the guess.
var errUnknownSecret = errors.New("identity: the code was made with a secret that is not listed")

// changes returns what follows a right guess: its charges are taken back, its device
// becomes known, and the code counts as redeemed.
func (s *Service) changes(g *guess) []limit.Change {
	var changes []limit.Change
	for _, l := range g.charges {
		changes = append(changes, limit.Change{Limit: l, SpentAt: g.at, Remember: l.Key == g.numbers.Key})
	}
	for _, l := range s.meter.unredeemed(g.number, g.caller.Address) {
		changes = append(changes, limit.Change{Limit: l, Newest: true})
	}
	return changes
}

// refuse records the reason, and returns the common answer.
func (s *Service) refuse(ctx context.Context, g *guess, reason string) error {
	event, err := s.trail.event(g.at, g.purpose.refused(), g.scope, g.caller, g.purpose, g.number)
	if err != nil {
		return err
	}
	event.Outcome, event.UserID = reason, g.user.ID
	if err := s.trail.record(ctx, s.store, event); err != nil {
		return err
	}
	return ErrCodeRefused
}

// refuseNotACode refuses an input that cannot be a code. It costs no attempt, but counts
// for the network as a refusal.
func (s *Service) refuseNotACode(ctx context.Context, g *guess) error {
	refusals := s.meter.networkRefusals(s.subject(g.scope, g.caller, g.number))
	if _, err := s.spend(ctx, []limit.Limit{refusals}, g.at); err != nil {
		return s.limited(ctx, err, "count refusal")
	}
	return s.refuse(ctx, g, outcomeNotACode)
}

// release gives back an attempt whose code was right, or that a failure of the service
// prevented from being judged. It goes on when the caller has left.
func (s *Service) release(ctx context.Context, g *guess) {
	ids := make([]string, len(g.codes))
	for i, c := range g.codes {
		ids[i] = c.ID
	}
	changes := make([]limit.Change, len(g.charges))
	for i, l := range g.charges {
		changes[i] = limit.Change{Limit: l, SpentAt: g.at}
	}
	ctx, cancel := s.aside(ctx)
	defer cancel()
	if err := s.store.ReleaseAttempt(ctx, Release{
		Now: s.now(), NumberKey: s.numberKey(g.scope, g.purpose, g.number), CodeIDs: ids, Changes: changes,
	}); err != nil {
		s.log.once(ctx, "attempt not given back", "error", err)
	}
}

// committed interprets the result of the transaction that uses a code.
func (s *Service) committed(ctx context.Context, g *guess, err error) error {
	switch {
	case errors.Is(err, ErrCodeSpent), errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound), errors.Is(err, ErrAlreadyExists):
		return s.refuse(ctx, g, outcomeRaced)
	case err != nil:
		s.release(ctx, g)
		s.observe(ctx, observe.Observation{Kind: observe.KindFault, Outcome: "redeem code"})
		return fmt.Errorf("identity: redeem code: %w", err)
	}
	return nil
}
