package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

const (
	clientID = "client"
	number   = "13812345678"
	password = "violet-Harbor-93"
	// bcryptHash is the hash of a password that is never entered.
	bcryptHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
)

// world is a service on a simulated clock, with its phones and a log of judged guesses.
type world struct {
	*identity.Service
	store identity.Storage
	clock *identitytest.Clock
	stop  func() error

	mu     sync.Mutex
	codes  map[string]string // the last code of a number in the owner's language
	paid   []time.Time
	judged map[string][]time.Time // by what was refused
	n      int                    // devices that the attacker has used
}

// owners ask in a language that no attacker uses, so that their codes are known
// among all that arrive at the phone.
const ownersLanguage = "zh"

// newClock returns a clock that shows 10 p.m. on a night in November.
func newClock() *identitytest.Clock {
	return identitytest.NewClock(time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC))
}

func newWorld(ctx context.Context, clock *identitytest.Clock, log *slog.Logger) (*world, error) {
	w := &world{
		store: memory.New(), clock: clock,
		codes: map[string]string{}, judged: map[string][]time.Time{},
	}
	svc, err := identity.New(identity.Config{
		Store: w.store, SMS: w, Secret: identity.NewSecret(strings.Repeat("s", 32)), Now: w.clock.Now,
		Logger: log, Observer: w, AnswerStep: -1, CodeDigits: 10,
	})
	if err != nil {
		return nil, err
	}
	w.Service = svc
	if err := svc.RegisterClient(ctx, identity.Client{ID: clientID}); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- svc.Run(running) }()
	w.stop = func() error { cancel(); return <-done }
	return w, nil
}

// Send implements [sms.Sender].
func (w *world) Send(_ context.Context, m sms.Message) (sms.Accepted, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paid = append(w.paid, w.clock.Now())
	if m.Kind == sms.KindVerifyCode {
		w.codes[m.Language+m.To] = m.Params["code"]
	}
	return sms.Accepted{Provider: "lockout"}, nil
}

// Observe implements [observe.Observer].
func (w *world) Observe(_ context.Context, o observe.Observation) {
	if o.Kind == observe.KindEvent {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.judged[o.Outcome] = append(w.judged[o.Outcome], w.clock.Now())
	}
}

// code waits until nothing is queued, and takes the last code in the language.
func (w *world) code(ctx context.Context, language, mobile string) (string, error) {
	if err := w.settle(ctx); err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := language + "+86" + mobile
	code := w.codes[key]
	delete(w.codes, key)
	return code, nil
}

// settle waits until all due messages were delivered.
func (w *world) settle(ctx context.Context) error {
	for range 20_000 {
		backlog, err := w.store.Backlog(ctx)
		if err != nil {
			return err
		}
		due := false
		for _, b := range backlog {
			due = due || (b.Lane == outbox.LaneCode || b.Lane == outbox.LaneNotice) && !b.Earliest.After(w.clock.Now())
		}
		if !due {
			return nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return errors.New("messages are not delivered")
}

func caller(device string, network int, language string) identity.Caller {
	return identity.Caller{
		ClientID: clientID, Device: device, OSVersion: "1", Agent: "lockout", Language: language,
		Address: netip.AddrFrom4([4]byte{byte(20 + network>>8), byte(network), 7, 1}),
	}
}

func (w *world) ask(ctx context.Context, c identity.Caller, mobile string) error {
	return w.SendVerifyCode(ctx, identity.SendRequest{Caller: c, Mobile: mobile, Purpose: identity.PurposeForgotPassword})
}

func (w *world) enter(ctx context.Context, c identity.Caller, mobile, code string) error {
	return w.ResetByMobile(ctx, identity.ResetRequest{Caller: c, Mobile: mobile, Code: identity.NewSecret(code), Password: identity.NewSecret(password)})
}

func (w *world) signIn(ctx context.Context, c identity.Caller, secret string) error {
	_, err := w.Authenticate(ctx, identity.LoginRequest{
		Mobile: number, Password: identity.NewSecret(secret), Address: c.Address, Device: c.Device, ClientID: c.ClientID,
	})
	return err
}

func limited(err error) bool {
	_, is := errors.AsType[*identity.RateLimitedError](err)
	return is
}

// strike lets each network use what the limits allow: codes, guesses at them, and logins.
func (w *world) strike(ctx context.Context, networks int) {
	for i := range networks {
		w.n++
		c := caller(fmt.Sprint("attacker-", w.n), 1+i, "en")
		_ = w.ask(ctx, c, number)
		for range 5 {
			if limited(w.enter(ctx, c, number, "0000000000")) {
				break
			}
		}
		for range 10 {
			if limited(w.signIn(ctx, c, "wrong-"+password)) {
				break
			}
		}
	}
}

// most returns the largest number of the times that fall into one day.
func most(times []time.Time) (n int) {
	first := 0
	for i, at := range times {
		for !times[first].After(at.Add(-24 * time.Hour)) {
			first++
		}
		n = max(n, i-first+1)
	}
	return n
}
