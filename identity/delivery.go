package identity

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// The workers and pauses of the lanes that Config does not set.
const (
	noticeWorkers = 8
	eventWorkers  = 4
	decoyWorkers  = 256
	smsPause      = 30 * time.Second
	eventPause    = 2 * time.Hour
)

func (s *Service) newLanes() map[outbox.Lane]*lane {
	lanes := map[outbox.Lane]*lane{}
	add := func(l *lane) {
		l.nudge = make(chan struct{}, 1)
		l.free = make(chan struct{}, l.workers)
		for range l.workers {
			l.free <- struct{}{}
		}
		l.timeout = s.cfg.SendTimeout + hookGrace
		if l.name == outbox.LaneCode {
			l.timeout += s.cfg.HookTimeout + hookGrace // the guard is asked first
		}
		lanes[l.name] = l
	}
	retry := s.cfg.RetryUncertain
	add(&lane{name: outbox.LaneCode, workers: s.cfg.SendConcurrency, longest: smsPause, deliver: s.deliverCode, unsent: s.unsent, retryUncertain: retry})
	add(&lane{name: outbox.LaneNotice, workers: noticeWorkers, longest: smsPause, deliver: s.deliverNotice, retryUncertain: retry})
	add(&lane{name: outbox.LaneEvent, workers: eventWorkers, longest: eventPause, deliver: s.deliverEvent, retryUncertain: true})
	add(&lane{name: outbox.LaneDecoy, workers: decoyWorkers, longest: smsPause, deliver: s.deliverDecoy, unsent: s.unsent})
	return lanes
}

// errRefused ends a message that must not be sent; the audit trail has the reason.
var errRefused = errors.New("not to be sent")

// later wraps a failure of the service or of a hook: nothing was sent, and the delivery is
// tried again.
func later(err error) error { return &sms.Error{Outcome: sms.Temporary, Err: err} }

// deliverCode sends a code if the user may have one and the budget allows it. It checks the
// user as they are now, which may differ from when the code was asked for.
func (s *Service) deliverCode(ctx context.Context, m outbox.Message, d delivery) (sms.Accepted, error) {
	if d.Caller == nil {
		return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: errors.New("message malformed")}
	}
	number, err := s.mobiles.Parse(d.To)
	if err != nil {
		return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: errors.New("number not served any more")}
	}
	sc := scope{client: Client{ID: d.Caller.ClientID}, tenant: d.Tenant}
	user, found, err := s.user(ctx, sc.tenant, number)
	if err != nil {
		return sms.Accepted{}, later(err)
	}
	reason := ineligible(sc, d.Purpose, user, found)
	if d.Kind == deliverTaken { // to the user who has the number, if the user still has it
		reason = ineligible(sc, PurposeForgotPassword, user, found)
	}
	if reason == "" && s.cfg.Guard != nil {
		request := GuardRequest{User: user, Purpose: d.Purpose, Caller: *d.Caller}
		err := s.relay.lanes[outbox.LaneCode].meanwhile(ctx, func() error {
			reason, err = s.guarded(ctx, s.cfg.Guard.AllowSend, request)
			return err
		})
		if err != nil {
			return sms.Accepted{}, later(err)
		}
	}
	if reason != "" {
		return sms.Accepted{}, s.refuseSend(ctx, sc, d, user, reason)
	}
	limits := s.meter.money(sc.tenant, sc.client.ID, number.Region(), number)
	if d.Kind != deliverTaken { // a notice cannot be redeemed
		limits = append(limits, s.meter.unredeemed(number, d.Caller.Address)...)
	}
	return s.pay(ctx, m, d, limits, func(refused string) error { return s.refuseSend(ctx, sc, d, user, refused) })
}

// deliverNotice sends the notice of a reset.
func (s *Service) deliverNotice(ctx context.Context, m outbox.Message, d delivery) (sms.Accepted, error) {
	if err := s.confirmApart(ctx, m, d.Apart); err != nil {
		return sms.Accepted{}, err
	}
	number, err := s.mobiles.Parse(d.To)
	if err != nil {
		return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: errors.New("number not served any more")}
	}
	client := ""
	if d.Caller != nil {
		client = d.Caller.ClientID
	}
	return s.pay(ctx, m, d, s.meter.money(d.Tenant, client, number.Region(), number), func(string) error {
		return later(errors.New("budget used up")) // a notice can wait
	})
}

// deliverEvent calls the application's function. Every failure is tried again.
func (s *Service) deliverEvent(ctx context.Context, m outbox.Message, d delivery) (sms.Accepted, error) {
	if err := s.confirmApart(ctx, m, d.Apart); err != nil {
		return sms.Accepted{}, err
	}
	var err error
	hook := s.hooks.reset
	switch {
	case d.Reset != nil && s.cfg.OnPasswordReset != nil:
		err = act(ctx, hook, func(ctx context.Context) error { return s.cfg.OnPasswordReset(ctx, *d.Reset) })
	case d.Event != nil && s.cfg.OnEvent != nil:
		var e audit.Event
		if err := json.Unmarshal(d.Event, &e); err != nil {
			return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: errors.New("event malformed")}
		}
		hook = s.hooks.event
		err = act(ctx, hook, func(ctx context.Context) error { return s.cfg.OnEvent(ctx, e) })
	}
	if err != nil {
		err = s.hookFailed(ctx, hook, err)
	}
	return sms.Accepted{}, eventFailure(err)
}

// pay charges the budget and hands a message to the provider. If the message was not sent,
// the charge is taken back.
func (s *Service) pay(ctx context.Context, m outbox.Message, d delivery, limits []limit.Limit, refuse func(rules string) error) (sms.Accepted, error) {
	now := s.now()
	if _, listed := s.tests.at(now, d.To); listed {
		return sms.Accepted{}, nil // see TestNumber
	}
	spent, err := s.spend(ctx, limits, now)
	if refused, ok := errors.AsType[*limit.Error](err); ok {
		s.alarmRefusal(ctx, now, refused)
		return sms.Accepted{}, refuse(refused.Error())
	}
	if err != nil {
		return sms.Accepted{}, later(err)
	}
	s.alarms(ctx, now, limits, spent)
	start := time.Now()
	accepted, err := call(ctx, s.hooks.sms, func(ctx context.Context) (sms.Accepted, error) {
		return s.cfg.SMS.Send(ctx, sms.Message{
			ID: m.ID, To: d.To, Kind: d.SMSKind, Purpose: string(d.Purpose), Tenant: d.Tenant, Language: d.Language,
			Text: d.Text, Params: d.Params, ExpiresAt: m.ExpiresAt,
		})
	})
	if errors.Is(err, errHookFull) {
		err = later(err) // nothing was sent
	}
	s.observe(ctx, observe.Observation{
		Kind: observe.KindDelivery, Operation: string(d.SMSKind), Purpose: string(d.Purpose), Country: mobile.MainRegion(mobile.Mask(d.To)), Provider: accepted.Provider, Outcome: outcomeOf(err), Took: time.Since(start), Waited: now.Sub(m.CreatedAt),
	})
	failure := sms.ErrorOf(err)
	s.outage.note(d.To, failure)
	if failure != nil && (failure.Outcome == sms.Temporary || failure.Outcome == sms.Permanent) {
		changes := make([]limit.Change, len(limits))
		for i, l := range limits {
			changes[i] = limit.Change{Limit: l, SpentAt: now}
		}
		if err := s.changeLimits(ctx, changes, now); err != nil {
			s.log.once(ctx, "budget not given back", "error", err)
		}
	}
	return accepted, err
}

func outcomeOf(err error) string {
	if err == nil {
		return "accepted"
	}
	return sms.ErrorOf(err).Outcome.String()
}

// refuseSend records why a code is not sent, and ends its message.
func (s *Service) refuseSend(ctx context.Context, sc scope, d delivery, user User, reason string) error {
	number, err := s.mobiles.Parse(d.To)
	if err != nil {
		return later(err)
	}
	event, err := s.trail.event(s.now(), audit.SendRefused, sc, *d.Caller, d.Purpose, number)
	if err != nil {
		return later(err)
	}
	event.Outcome, event.UserID = reason, user.ID
	if err := s.trail.record(ctx, s.store, event); err != nil {
		return later(err)
	}
	return &sms.Error{Outcome: sms.Permanent, Err: errRefused}
}

// guarded asks the guard. It returns the reason for a refusal, or the failure of the guard.
func (s *Service) guarded(ctx context.Context, ask func(context.Context, GuardRequest) error, r GuardRequest) (refused string, failure error) {
	err := act(ctx, s.hooks.guard, func(ctx context.Context) error { return ask(ctx, r) })
	if refusal, ok := errors.AsType[*GuardRefusal](err); ok {
		return "guard: " + clip(refusal.Reason, 200), nil
	}
	if err != nil {
		return "", s.hookFailed(ctx, s.hooks.guard, err)
	}
	return "", nil
}

// redact keeps the kind and the text of a failure, but removes the message's text, code and
// number from it. Senders must leave them out, but a sender may have a fault.
func (d delivery) redact(err error) error {
	if err == nil {
		return nil
	}
	failure := *sms.ErrorOf(err)
	hook, ofHook := errors.AsType[*HookError](err)
	what := failureText(&failure)
	if ofHook {
		what = hook.Err.Error()
	}
	for _, secret := range []string{d.Text, d.Params["code"], d.To, strings.TrimPrefix(d.To, "+")} {
		if secret != "" {
			what = strings.ReplaceAll(what, secret, redacted)
		}
	}
	failure.Err = errors.New(what)
	if ofHook {
		failure.Err = &HookError{Hook: hook.Hook, Err: failure.Err}
	}
	return &failure
}
