package identity

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

const (
	pollInterval  = time.Second // how soon another process's message, or a retry, is seen
	purgeInterval = time.Minute
	purgeBatch    = 500
	leaseMargin   = 30 * time.Second // beyond SendTimeout
	maxBackoff    = 30 * time.Second
)

// Run delivers queued messages and events, and purges what is over, until ctx
// ends; then it waits for deliveries under way and returns nil. Call it in a
// goroutine of its own, once per process; several processes on one database
// share the work.
//
// A message is tried until it is accepted, refused for good or of no use any
// more, with growing pauses. Failures of storage are logged and tried again, and
// once at the start each text that takes more than one SMS segment is.
func (s *Service) Run(ctx context.Context) error {
	for _, l := range s.TextLengths() {
		if l.Length.Segments > 1 {
			s.cfg.Logger.WarnContext(ctx, "text takes more than one segment, each of which costs", "language", l.Language, "kind", string(l.Kind),
				"purpose", string(l.Purpose), "segments", l.Length.Segments, "units", l.Length.Units, "encoding", string(l.Length.Encoding))
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.purge(ctx) })
	s.deliver(ctx, &wg)
	return nil
}

func (s *Service) deliver(ctx context.Context, wg *sync.WaitGroup) {
	slots := make(chan struct{}, s.cfg.SendConcurrency)
	for range cap(slots) {
		slots <- struct{}{}
	}
	poll := time.NewTimer(0)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.nudge:
		case <-poll.C:
		}
		poll.Reset(pollInterval)
		for ctx.Err() == nil && s.deliverBatch(ctx, slots, wg) {
		}
	}
}

// deliverBatch claims as many messages as deliveries may start, and starts
// them. It reports whether there may be more.
func (s *Service) deliverBatch(ctx context.Context, slots chan struct{}, wg *sync.WaitGroup) bool {
	select {
	case <-slots:
	case <-ctx.Done():
		return false
	}
	free := 1
	for more := true; more; {
		select {
		case <-slots:
			free++
		default:
			more = false
		}
	}
	messages := s.claim(ctx, free)
	for range free - len(messages) {
		slots <- struct{}{}
	}
	for _, m := range messages {
		wg.Go(func() {
			defer func() { slots <- struct{}{} }()
			// A delivery under way is finished when Run is asked to end.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.SendTimeout+leaseMargin/2)
			defer cancel()
			s.deliverOne(ctx, m)
		})
	}
	return len(messages) == free
}

func (s *Service) claim(ctx context.Context, n int) []OutboxMessage {
	token, err := s.newID()
	if err != nil {
		s.cfg.Logger.ErrorContext(ctx, "messages not claimed", "error", err)
		return nil
	}
	now := s.now()
	messages, err := s.store.LeaseMessages(ctx, Lease{
		Now: now, Until: now.Add(s.cfg.SendTimeout + leaseMargin), Token: token, Max: n,
	})
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Logger.ErrorContext(ctx, "messages not claimed", "error", err)
		}
		return nil
	}
	return messages
}

// deliverOne tries one message and records what became of it.
func (s *Service) deliverOne(ctx context.Context, m OutboxMessage) {
	now := s.now()
	result := MessageResult{ID: m.ID, LeaseToken: m.LeaseToken, State: MessageDead, LastError: "expired before it was sent"}
	if now.Before(m.ExpiresAt) {
		receipt, err := s.attemptDelivery(ctx, m)
		result = s.result(m, receipt, err)
	}
	result.Now = s.now()
	if err := s.store.FinishMessage(ctx, result); err != nil {
		// The lease runs out and the message is tried again: at least once.
		s.cfg.Logger.ErrorContext(ctx, "message result not recorded", "message", m.ID, "error", err)
		return
	}
	if result.State == MessageDead || result.State == MessageUncertain {
		s.cfg.Logger.WarnContext(ctx, "message given up", "message", m.ID, "state", string(result.State),
			"attempts", m.Attempts, "error", result.LastError)
	}
}

// errRefused ends a message that is not to be sent, for a reason in the audit trail.
var errRefused = errors.New("not to be sent")

func (s *Service) attemptDelivery(ctx context.Context, m OutboxMessage) (sms.Accepted, error) {
	text, err := s.keys.Open(m.Sealed, m.ID)
	if err != nil {
		return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: err}
	}
	var d delivery
	if err := json.Unmarshal(text, &d); err != nil {
		return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: errors.New("message malformed")}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.SendTimeout)
	defer cancel()
	receipt, err := s.dispatch(ctx, m, d)
	return receipt, d.redact(err)
}

// dispatch calls whoever the delivery is for. A panic of theirs is a failure of
// this one delivery, and its value, which may hold the text, goes nowhere.
func (s *Service) dispatch(ctx context.Context, m OutboxMessage, d delivery) (receipt sms.Accepted, err error) {
	defer func() {
		if recover() != nil {
			receipt, err = sms.Accepted{}, errors.New("panic while delivering")
		}
	}()
	if err := s.confirm(ctx, m, d.Apart); err != nil {
		return sms.Accepted{}, err
	}
	switch d.Kind {
	case deliverNothing:
		return sms.Accepted{}, s.pretend(ctx, d)
	case deliverEvent:
		if s.cfg.OnPasswordReset == nil || d.Reset == nil {
			return sms.Accepted{}, nil
		}
		return sms.Accepted{}, s.cfg.OnPasswordReset(ctx, *d.Reset)
	case deliverCode:
		if err := s.allowSend(ctx, d); err != nil {
			return sms.Accepted{}, err
		}
	}
	start := time.Now()
	receipt, err = s.cfg.SMS.Send(ctx, sms.Message{
		ID: m.ID, To: d.To, Kind: d.SMSKind, Purpose: string(d.Purpose), Tenant: d.Tenant, Language: d.Language,
		Text: d.Text, Params: d.Params, ExpiresAt: m.ExpiresAt,
	})
	s.sendTook.Store((7*s.sendTook.Load() + int64(time.Since(start))) / 8)
	return receipt, err
}

// pretend does with a decoy what a message would bring about on this machine:
// the look-up, and a pause as long as the provider takes of late. Otherwise the
// record of its end comes at another time, which the next request could feel.
func (s *Service) pretend(ctx context.Context, d delivery) error {
	if _, _, err := s.user(ctx, scope{tenant: d.Tenant}, d.To); err != nil {
		return err
	}
	took := time.Duration(s.sendTook.Load())
	timer := time.NewTimer(took/2 + rand.N(took+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// redact keeps the kind of a failure and what it says, but for the message's own
// text, code and number: senders promise to, and one will forget.
func (d delivery) redact(err error) error {
	if err == nil {
		return nil
	}
	failure := sms.ErrorOf(err)
	if failure.Err != nil {
		err = failure.Err
	}
	what := err.Error()
	for _, secret := range []string{d.Text, d.Params["code"], d.To, strings.TrimPrefix(d.To, "+")} {
		if secret != "" {
			what = strings.ReplaceAll(what, secret, redacted)
		}
	}
	return &sms.Error{Outcome: failure.Outcome, RetryAfter: failure.RetryAfter, Err: errors.New(what)}
}

// allowSend asks about the user as they are now, not as they were when the code
// was asked for.
func (s *Service) allowSend(ctx context.Context, d delivery) error {
	if d.Caller == nil {
		return nil
	}
	sc := scope{client: Client{ID: d.Caller.ClientID}, tenant: d.Tenant}
	user, found, err := s.user(ctx, sc, d.To)
	if err != nil {
		return err
	}
	reason := ineligible(sc, user, found)
	if reason == "" && s.cfg.Guard != nil {
		err := s.cfg.Guard.AllowSend(ctx, GuardRequest{User: user, Purpose: d.Purpose, Caller: *d.Caller})
		if refusal, ok := errors.AsType[*GuardRefusal](err); ok {
			reason = guardOutcome(refusal)
		} else if err != nil {
			return err
		}
	}
	if reason == "" {
		return nil
	}
	event, err := s.event(s.now(), EventSendRefused, sc, *d.Caller, d.Purpose, d.To)
	if err != nil {
		return err
	}
	event.Outcome, event.UserID = reason, user.ID
	if err := s.store.AppendEvent(ctx, event); err != nil {
		return err
	}
	return &sms.Error{Outcome: sms.Permanent, Err: errRefused}
}

// result turns a sender's answer into the message's next state.
func (s *Service) result(m OutboxMessage, receipt sms.Accepted, err error) MessageResult {
	r := MessageResult{ID: m.ID, LeaseToken: m.LeaseToken, State: MessageDelivered,
		Provider: clip(receipt.Provider, 64), ProviderRef: clip(receipt.Ref, 128)}
	if err == nil {
		return r
	}
	failure := sms.ErrorOf(err)
	r = MessageResult{ID: m.ID, LeaseToken: m.LeaseToken, LastError: clip(err.Error(), 500)}
	switch {
	case failure.Outcome == sms.Permanent:
		r.State = MessageDead
	case failure.Outcome == sms.Uncertain && !s.cfg.RetryUncertain:
		r.State = MessageUncertain
	default:
		r.State = MessagePending
		r.NextAt = s.now().Add(max(backoff(m.Attempts), failure.RetryAfter))
		if !r.NextAt.Before(m.ExpiresAt) {
			r.State = MessageDead
		}
	}
	return r
}

// backoff doubles from half a second to maxBackoff, give or take a quarter, so
// that messages that failed together are not tried together.
func backoff(attempts int) time.Duration {
	d := min(time.Second/2<<min(max(attempts-1, 0), 10), maxBackoff)
	return d*3/4 + rand.N(d/2)
}

// purge removes what is over in bounded batches.
func (s *Service) purge(ctx context.Context) {
	ticker := time.NewTicker(purgeInterval)
	defer ticker.Stop()
	for {
		for s.purgeBatch(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Service) purgeBatch(ctx context.Context) (more bool) {
	if ctx.Err() != nil {
		return false
	}
	now := s.now()
	p := Purge{Now: now, Max: purgeBatch}
	if s.cfg.MessageRetention > 0 {
		p.MessagesBefore = now.Add(-s.cfg.MessageRetention)
	}
	if s.cfg.EventRetention > 0 {
		p.EventsBefore = now.Add(-s.cfg.EventRetention)
	}
	n, err := s.store.Purge(ctx, p)
	if err != nil && ctx.Err() == nil {
		s.cfg.Logger.ErrorContext(ctx, "purge failed", "error", err)
	}
	return err == nil && n >= purgeBatch
}
