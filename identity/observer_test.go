package identity_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// watcher keeps what it observes.
type watcher struct {
	mu  sync.Mutex
	all []observe.Observation
}

func (w *watcher) Observe(_ context.Context, o observe.Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, o)
}

func (w *watcher) has(f func(observe.Observation) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.all, f)
}

// unwell is a store in which one method fails.
type unwell struct {
	identity.Storage
	err error
}

func (u *unwell) Backlog(context.Context) ([]outbox.Backlog, error) { return nil, u.err }

func TestObservationsOfAReset(t *testing.T) {
	t.Parallel()
	w := &watcher{}
	f := identitytest.New(t, func(c *identity.Config) { c.Observer = w })
	f.User("12345678901", "violet-Harbor-93")
	f.SendCode("12345678901")
	code := f.Code("+8612345678901")
	err := f.ResetByMobile(t.Context(), identity.ResetRequest{
		Caller: f.Caller(), Mobile: "12345678901", Code: identity.NewSecret(code), Password: identity.NewSecret("marble-Lantern-58"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.UserByMobile(t.Context(), "", "12345678902"); !errors.Is(err, identity.ErrNotFound) {
		t.Fatal(err)
	}
	for name, want := range map[string]observe.Observation{
		"send":     {Kind: observe.KindEvent, Outcome: "code.sent/queued", Purpose: string(identity.PurposeForgotPassword), Country: "CN"},
		"reset":    {Kind: observe.KindEvent, Outcome: "password.reset", Purpose: string(identity.PurposeForgotPassword), Country: "CN"},
		"delivery": {Kind: observe.KindDelivery, Outcome: "accepted", Operation: "verify_code", Purpose: string(identity.PurposeForgotPassword), Country: "CN"},
		"hash":     {Kind: observe.KindHash, Outcome: "done"},
		"storage":  {Kind: observe.KindStorage, Operation: "RedeemCode", Outcome: "ok"},
		"missing":  {Kind: observe.KindStorage, Operation: "UserByMobile", Outcome: "ok"},
	} {
		if !w.has(func(o observe.Observation) bool {
			o.Took, o.Waited, o.Provider = 0, 0, ""
			return o == want
		}) {
			t.Errorf("%s: no %+v", name, want)
		}
	}
	// Every field may become a label, so none may identify a person.
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.all {
		for _, field := range []string{o.Operation, o.Purpose, o.Country, o.Provider, o.Outcome} {
			for _, canary := range []string{"12345678901", "8901", code, f.Caller().Device, "192.0.2.1", identitytest.ClientID, "marble"} {
				if strings.Contains(field, canary) {
					t.Errorf("%+v holds %q", o, canary)
				}
			}
		}
	}
}

func TestStorageFailuresByKind(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{"timeout": context.DeadlineExceeded, "canceled": context.Canceled, "failed": errors.New("disk full"), "ok": identity.ErrNotFound} {
		w := &watcher{}
		f := identitytest.New(t, func(c *identity.Config) { c.Observer, c.Store = w, &unwell{memory.New(), err} })
		if _, got := f.Load(t.Context()); !errors.Is(got, err) {
			t.Errorf("%s: Load returned %v", want, got)
		}
		if !w.has(func(o observe.Observation) bool {
			return o.Kind == observe.KindStorage && o.Operation == "Backlog" && o.Outcome == want
		}) {
			t.Errorf("%s: not observed", want)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	w := &watcher{}
	f := identitytest.New(t, func(c *identity.Config) {
		c.Observer = w
		c.OnEvent = func(context.Context, audit.Event) error { return errors.New("down") }
		c.EventTypes = []audit.Type{audit.UserCreated}
	})
	f.User("12345678901", "violet-Harbor-93")
	f.SendCode("12345678901")
	f.Code("+8612345678901")
	f.Clock.Advance(5 * time.Minute)
	load, err := f.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if load.BudgetUsed <= 0 || load.BudgetUsed > 0.01 {
		t.Errorf("one of 1,000 messages was sent: %v", load.BudgetUsed)
	}
	late := slices.ContainsFunc(load.Lanes, func(l outbox.LaneLoad) bool {
		return l.Lane == outbox.LaneEvent && l.Pending == 1 && l.Late >= 4*time.Minute
	})
	if !late {
		t.Errorf("lanes %+v, want an event that is late", load.Lanes)
	}
}
