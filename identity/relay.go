package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/keyring"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

const (
	pollInterval = time.Second      // how soon another process's message, or a retry, is seen
	leaseMargin  = 30 * time.Second // beyond the time-out of a delivery
	resultBatch  = 64               // results that are recorded together
)

// Kinds of deliveries.
const (
	deliverCode   = "code"
	deliverNotice = "note"
	deliverReset  = "hook"
	deliverEvent  = "evnt"
	deliverDecoy  = "none"
	deliverTaken  = "take"
)

// delivery is what an outbox message holds, sealed.
type delivery struct {
	Kind     string   `json:"kind"`
	To       string   `json:"to,omitempty"`
	SMSKind  sms.Kind `json:"sms,omitempty"`
	Purpose  Purpose  `json:"purpose,omitempty"`
	Tenant   string   `json:"tenant,omitempty"`
	Language string   `json:"lang,omitempty"`
	Text     string   `json:"text,omitempty"`
	// Params are the values in Text, by name.
	Params map[string]string `json:"params,omitempty"`
	Caller *Caller           `json:"caller,omitempty"`
	// Device is all of the caller's device, by which limits know it.
	Device string              `json:"device,omitempty"`
	Reset  *PasswordResetEvent `json:"reset,omitempty"`
	Event  json.RawMessage     `json:"event,omitempty"`
	// Apart is what a message waits for, where people are kept in another database.
	Apart *changeApart `json:"apart,omitempty"`
}

// relay seals messages for the outbox, and delivers them, each lane by workers of
// its own.
type relay struct {
	store   Outbox
	keys    *keyring.Ring
	ids     *ids
	now     func() time.Time
	log     *quietLog
	timeout time.Duration // of one storage call
	lanes   map[outbox.Lane]*lane
}

// lane is one kind of message and its workers.
type lane struct {
	name    outbox.Lane
	workers int
	timeout time.Duration // of one delivery
	longest time.Duration // of the pauses between tries
	deliver func(ctx context.Context, m outbox.Message, d delivery) (sms.Accepted, error)
	// unsent, if not nil, is called for a message that ends and was certainly not sent.
	unsent func(ctx context.Context, m outbox.Message, d delivery)
	// retryUncertain says that a message that may have been sent is tried again.
	retryUncertain bool
	nudge          chan struct{}
	free           chan struct{} // one token for each worker that is free
	// alive is when the lane last looked for messages and got an answer, in Unix ms
	// by the real clock; 0 before Run.
	alive atomic.Int64
}

func (o *relay) message(lane outbox.Lane, now, expires time.Time, d delivery) (outbox.Message, error) {
	id, err := o.ids.next()
	if err != nil {
		return outbox.Message{}, err
	}
	return o.seal(id, lane, now, expires, d)
}

func (o *relay) seal(id string, lane outbox.Lane, now, expires time.Time, d delivery) (outbox.Message, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return outbox.Message{}, fmt.Errorf("identity: encode message: %w", err)
	}
	sealed, keyID := o.keys.Seal(text, id)
	return outbox.Message{
		ID: id, Lane: lane, KeyID: keyID, Sealed: sealed, State: outbox.Pending, CreatedAt: now, NextAt: now, ExpiresAt: expires,
	}, nil
}

// wake makes Run look for messages of a lane now. It never blocks.
func (o *relay) wake(lane outbox.Lane) {
	select {
	case o.lanes[lane].nudge <- struct{}{}:
	default:
	}
}

// run delivers every lane until ctx ends, and waits for deliveries under way.
func (o *relay) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, l := range o.lanes {
		l.alive.Store(time.Now().UnixMilli())
		wg.Go(func() { o.runLane(ctx, l) })
	}
}

func (o *relay) runLane(ctx context.Context, l *lane) {
	results := make(chan outbox.Result, resultBatch)
	var recorder, deliveries sync.WaitGroup
	recorder.Go(func() { o.recordResults(ctx, l, results) })
	defer recorder.Wait()
	defer close(results)
	defer deliveries.Wait()

	poll := time.NewTimer(0)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.nudge:
		case <-poll.C:
		}
		poll.Reset(pollInterval)
		for ctx.Err() == nil && o.deliverBatch(ctx, l, &deliveries, results) {
		}
	}
}

// deliverBatch leases as many messages as there are free workers, and starts
// their deliveries. It reports whether there may be more.
func (o *relay) deliverBatch(ctx context.Context, l *lane, deliveries *sync.WaitGroup, results chan<- outbox.Result) bool {
	select {
	case <-l.free:
	case <-ctx.Done():
		return false
	}
	n := 1
	for more := true; more; {
		select {
		case <-l.free:
			n++
		default:
			more = false
		}
	}
	messages := o.lease(ctx, l, n)
	for range n - len(messages) {
		l.free <- struct{}{}
	}
	for _, m := range messages {
		deliveries.Go(func() {
			result := o.deliverOne(ctx, l, m)
			l.free <- struct{}{}
			results <- result
		})
	}
	return len(messages) == n
}

// meanwhile gives this delivery's worker to another delivery of the lane while f waits
// for something that may hang.
func (l *lane) meanwhile(ctx context.Context, f func() error) error {
	l.free <- struct{}{}
	err := f()
	select {
	case <-l.free:
	case <-ctx.Done():
		<-l.free // deliveries give their workers back within their time-outs
		err = errors.Join(err, ctx.Err())
	}
	return err
}

func (o *relay) lease(ctx context.Context, l *lane, n int) []outbox.Message {
	token, err := o.ids.next()
	if err != nil {
		o.log.once(ctx, "messages not leased", "lane", string(l.name), "error", err)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	now := o.now()
	messages, err := o.store.LeaseMessages(ctx, outbox.Lease{
		Now: now, Until: now.Add(l.timeout + leaseMargin), Token: token, Lane: l.name, KeyIDs: o.keys.IDs(), Max: n,
	})
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			o.log.once(ctx, "messages not leased", "lane", string(l.name), "error", err)
		}
		return nil
	}
	l.alive.Store(time.Now().UnixMilli())
	return messages
}

// deliverOne tries one message and returns its next state.
func (o *relay) deliverOne(ctx context.Context, l *lane, m outbox.Message) outbox.Result {
	// A delivery under way is finished when Run is asked to end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.timeout)
	defer cancel()
	result := outbox.Result{ID: m.ID, LeaseToken: m.LeaseToken, State: outbox.Dead, LastError: "expired before it was sent"}
	var err error
	if o.now().Before(m.ExpiresAt) {
		var accepted sms.Accepted
		accepted, err = o.open(ctx, l, m)
		result = o.result(l, m, accepted, err)
	}
	result.Now = o.now()
	o.logFailure(ctx, l, m, result, err)
	if result.State == outbox.Dead && l.unsent != nil && (m.Attempts == 1 || !l.retryUncertain) {
		if d, err := o.unseal(m); err == nil {
			l.unsent(ctx, m, d)
		}
	}
	return result
}

// logFailure logs a delivery that failed. Each lane and each hook has its own limit of
// one line a minute, so that one that fails all the time does not hide the others.
func (o *relay) logFailure(ctx context.Context, l *lane, m outbox.Message, r outbox.Result, err error) {
	what, who, args := "delivery failed", string(l.name), []any{"lane", string(l.name)}
	if hook, ok := errors.AsType[*HookError](err); ok {
		what, who, args = "hook failed", hook.Hook, append(args, "hook", hook.Hook)
	}
	args = append(args, "message", m.ID, "attempts", m.Attempts, "error", r.LastError)
	switch r.State {
	case outbox.Dead, outbox.Uncertain:
		what += ", given up"
		args = append(args, "state", string(r.State))
	case outbox.Pending:
		what += ", to be tried again"
		args = append(args, "next_at", r.NextAt)
	default:
		return
	}
	o.log.logKind(ctx, what+": "+who, what, args...)
}

func (o *relay) unseal(m outbox.Message) (d delivery, err error) {
	text, err := o.keys.Open(m.Sealed, m.ID)
	if err != nil {
		return delivery{}, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return delivery{}, errors.New("message malformed")
	}
	return d, nil
}

// open unseals a message and gives it to its lane. A panic is a failure of this
// one delivery. The panic's value may hold the text, so it is not logged.
func (o *relay) open(ctx context.Context, l *lane, m outbox.Message) (accepted sms.Accepted, err error) {
	d, err := o.unseal(m)
	if err != nil {
		return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: err}
	}
	defer func() {
		if recover() != nil {
			accepted, err = sms.Accepted{}, &sms.Error{Outcome: sms.Uncertain, Err: errors.New("panic while delivering")}
		}
		err = d.redact(err)
	}()
	return l.deliver(ctx, m, d)
}

// result turns the answer of a delivery into the message's next state.
func (o *relay) result(l *lane, m outbox.Message, accepted sms.Accepted, err error) outbox.Result {
	r := outbox.Result{ID: m.ID, LeaseToken: m.LeaseToken, State: outbox.Delivered,
		Provider: clip(accepted.Provider, 64), ProviderRef: clip(accepted.Ref, 128)}
	if err == nil {
		return r
	}
	failure := sms.ErrorOf(err)
	r = outbox.Result{ID: m.ID, LeaseToken: m.LeaseToken, LastError: clip(failureText(failure), 500)}
	switch {
	case failure.Outcome == sms.Permanent:
		r.State = outbox.Dead
	case failure.Outcome == sms.Uncertain && !l.retryUncertain:
		r.State = outbox.Uncertain
	default:
		r.State = outbox.Pending
		r.NextAt = o.now().Add(max(backoff(m.Attempts, l.longest), failure.RetryAfter))
		if !r.NextAt.Before(m.ExpiresAt) {
			r.State = outbox.Dead
		}
	}
	return r
}

func failureText(e *sms.Error) string {
	if e.Err == nil {
		return e.Error()
	}
	return e.Err.Error()
}

// backoff doubles from half a second to the longest pause, give or take a
// quarter, so that messages that failed together are not tried together.
func backoff(attempts int, longest time.Duration) time.Duration {
	d := min(time.Second/2<<min(max(attempts-1, 0), 20), longest)
	return d*3/4 + rand.N(d/2)
}

// recordResults stores the results of deliveries. All results that are ready go into
// one transaction. It ends when results is closed.
func (o *relay) recordResults(ctx context.Context, l *lane, results <-chan outbox.Result) {
	for first := range results {
		batch := []outbox.Result{first}
		for more := true; more && len(batch) < resultBatch; {
			select {
			case r, open := <-results:
				if more = open; open {
					batch = append(batch, r)
				}
			default:
				more = false
			}
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.timeout)
		lost, err := o.store.FinishMessages(ctx, batch)
		if err != nil {
			// The leases run out and the messages are tried again: at least once.
			o.log.once(ctx, "message results not recorded", "lane", string(l.name), "messages", len(batch), "error", err)
		} else if len(lost) > 0 {
			o.log.once(ctx, "leases lost before the results were recorded", "lane", string(l.name), "messages", len(lost))
		}
		cancel()
	}
}
