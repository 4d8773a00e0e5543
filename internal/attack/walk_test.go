package attack_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/memory"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// steps is the length of a walk: REKEY_WALK_STEPS, or a small default.
func steps(few int) int {
	if n, err := strconv.Atoi(os.Getenv("REKEY_WALK_STEPS")); err == nil {
		return n
	}
	return few
}

// walker walks through the service and the model side by side.
type walker struct {
	f     *identitytest.Fixture
	m     *model
	rng   *rand.Rand
	trail []string
	// latest is the latest time that the clock has shown. It never goes back by more
	// than a minute.
	latest time.Time
}

var (
	walkNumbers = []string{"13800000001", "13800000002", "13800000003", "13800000009"} // the last number has no user
	walkDevices = []string{"a", "b", "c"}
	// The first two addresses are neighbours.
	walkAddresses = []string{"192.0.2.1", "192.0.2.2", "198.51.100.5", "203.0.113.9"}
)

const walkHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy" // the hash of a password that the walk never tries

func newWalker(t *testing.T, seed uint64, store identity.Storage) *walker {
	f := identitytest.New(t, func(c *identity.Config) {
		rates := func(of []rate) (all []limit.Rate) {
			for _, r := range of {
				all = append(all, limit.Rate{Limit: r.limit, Per: r.per})
			}
			return all
		}
		identitytest.Lift(c)
		c.Limits.SendCooldown = 0
		for field, of := range map[*[]limit.Rate][]rate{
			&c.Limits.SendsPerNumberAndNetwork: sendsFromNetwork[1:], &c.Limits.SendsPerNumber: sendsFromStrangers,
			&c.Limits.SendsPerKnownDevice: sendsFromKnown[1:],
			&c.Limits.SendsPerAddress:     sendsPerAddress, &c.Limits.SendsPerNetwork: sendsPerSubnet,
			&c.Limits.FailuresPerNumberAndNetwork: failsFromNetwork, &c.Limits.FailuresPerNumber: failsFromStrangers,
			&c.Limits.FailuresPerAddress: failsPerAddress, &c.Limits.FailuresPerNetwork: failsPerSubnet,
		} {
			*field = rates(of)
		}
		c.Limits.FailuresPerKnownDevice = limit.Bucket{Burst: bucketBurst, Every: bucketEvery}
		c.Store = store
	})
	f.Clock.Advance(f.Clock.Now().Truncate(time.Millisecond).Sub(f.Clock.Now()))
	w := &walker{f: f, m: newModel(f.Clock.Now()), rng: rand.New(rand.NewPCG(seed, seed)), latest: f.Clock.Now()}
	for _, n := range walkNumbers[:3] {
		if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: n, Verified: true, PasswordHash: identity.NewSecret(walkHash)}); err != nil {
			t.Fatal(err)
		}
		w.m.users[n] = &modelUser{verified: true}
	}
	return w
}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

// walk returns the first difference between the service and the model.
func (w *walker) walk(n int) error {
	for i := range n {
		if err := w.step(); err != nil {
			return fmt.Errorf("step %d: %w; the last steps:\n%s", i, err, strings.Join(w.trail, "\n"))
		}
	}
	return nil
}

func (w *walker) did(format string, args ...any) {
	w.trail = append(w.trail, w.m.now.Format("01-02 15:04:05.000 ")+fmt.Sprintf(format, args...))
	w.trail = w.trail[max(len(w.trail)-30, 0):]
}

func (w *walker) step() error {
	number, device := pick(w.rng, walkNumbers), pick(w.rng, walkDevices)
	switch dice := w.rng.IntN(100); {
	case dice < 30:
		return w.send(number, device)
	case dice < 45:
		return w.guesses(number, device)
	case dice < 65:
		if code := w.known(number); code != nil {
			return w.guess(number, pick(w.rng, []string{code.device, code.device, code.device, device}), code.code)
		}
		return nil
	case dice < 95:
		by := time.Duration(w.rng.Int64N(int64(pick(w.rng, []time.Duration{time.Second, time.Minute, time.Minute, 10 * time.Minute, 9 * time.Hour, 40 * time.Hour})))).Truncate(time.Millisecond)
		if w.rng.IntN(8) == 0 {
			by = -min(by, time.Minute)
		}
		w.advance(max(by, w.latest.Add(-time.Minute).Sub(w.m.now)))
		return nil
	case dice < 97:
		return w.change(pick(w.rng, walkNumbers[:3]))
	case dice < 99:
		return w.unlock(number)
	default:
		return w.siege(number)
	}
}

// siege guesses at one number from every device until the number's budget for the day
// is spent, and then goes on.
func (w *walker) siege(number string) error {
	for range 3 {
		for _, device := range walkDevices {
			w.advance(4 * time.Minute)
			if err := w.send(number, device); err != nil {
				return err
			}
			for range 4 {
				if err := w.guess(number, device, wrongCode); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// advance moves the clock after deliveries are recorded. A clock that jumps beyond the
// leases of messages would cause them to be sent again.
func (w *walker) advance(by time.Duration) {
	for range 10_000 {
		if backlog, err := w.f.Store.Backlog(context.Background()); err != nil || len(backlog) == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	w.f.Clock.Advance(by)
	if w.m.now = w.f.Clock.Now(); w.m.now.After(w.latest) {
		w.latest = w.m.now
	}
	w.did("clock by %s", by)
}

func (w *walker) unlock(number string) error {
	w.did("unlock %s", number)
	w.m.unlock(number)
	return w.f.Unlock(context.Background(), "", number)
}

// known returns a code of any age that was sent to the number.
func (w *walker) known(number string) *modelCode {
	var sent []*modelCode
	for _, c := range w.m.codes {
		if c.number == number && c.code != "" {
			sent = append(sent, c)
		}
	}
	if len(sent) == 0 {
		return nil
	}
	return sent[len(sent)-1-w.rng.IntN(min(len(sent), 4))]
}

func (w *walker) caller(device, address string) identity.Caller {
	c := w.f.Caller()
	c.Device, c.Address = device, netip.MustParseAddr(address)
	return c
}

func (w *walker) send(number, device string) error {
	address := pick(w.rng, walkAddresses)
	w.did("send to %s from %s at %s", number, device, address)
	code, wait := w.m.send(number, device, address)
	err := w.f.SendVerifyCode(context.Background(), identity.SendRequest{Caller: w.caller(device, address), Mobile: number, Purpose: identity.PurposeForgotPassword})
	if err := compare(err, wait, nil); err != nil {
		return err
	}
	if code == nil || code.decoy {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		m, err := w.f.SMS.Next(ctx, "+86"+number)
		if err != nil {
			return fmt.Errorf("no code arrived: %w", err)
		}
		if m.Kind == sms.KindVerifyCode {
			code.code = m.Params["code"]
			return nil
		}
	}
}

// wrongCode is a guess. If a code happens to equal it, the model knows.
const wrongCode = "000000"

// guesses tries a few wrong codes, mostly while there is a code to guess.
func (w *walker) guesses(number, device string) error {
	if code := w.known(number); code != nil && w.rng.IntN(4) > 0 {
		device = code.device
	}
	for range 1 + w.rng.IntN(7) {
		if err := w.guess(number, device, wrongCode); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) guess(number, device, code string) error {
	address := pick(w.rng, walkAddresses)
	w.did("guess %s for %s from %s at %s", code, number, device, address)
	password := fmt.Sprintf("violet-Harbor-%06d", w.rng.IntN(1_000_000))
	set, wait := w.m.guess(number, device, address, code, password)
	var want error
	if !set {
		want = identity.ErrCodeRefused
	}
	return compare(w.f.ResetByMobile(context.Background(), identity.ResetRequest{
		Caller: w.caller(device, address), Mobile: number, Code: identity.NewSecret(code), Password: identity.NewSecret(password),
	}), wait, want)
}

// change disables or enables a user, or marks the number verified or unverified.
func (w *walker) change(number string) error {
	u := w.m.users[number]
	stored, err := w.f.UserByMobile(context.Background(), "", number)
	if err != nil {
		return err
	}
	change := identity.UserChange{ID: stored.ID}
	if w.rng.IntN(2) == 0 {
		u.disabled = !u.disabled && w.rng.IntN(3) == 0
		change.Disabled = &u.disabled
	} else {
		u.verified = !u.verified || w.rng.IntN(3) > 0
		at := time.Time{}
		if u.verified {
			at = w.m.now
		}
		change.VerifiedAt = &at
	}
	w.did("%s: disabled %v, verified %v", number, u.disabled, u.verified)
	return w.f.UpdateUser(context.Background(), change)
}

func compare(err error, wait time.Duration, want error) error {
	if wait > 0 {
		limited, ok := errors.AsType[*identity.RateLimitedError](err)
		if !ok || limited.RetryAfter != wait {
			return fmt.Errorf("the service returns %v, the model wants a wait of %s", err, wait)
		}
		return nil
	}
	if !errors.Is(err, want) {
		return fmt.Errorf("the service returns %v, the model wants %v", err, want)
	}
	return nil
}

func TestWalk(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (identity.Storage, int){
		"memory": func(*testing.T) (identity.Storage, int) { return memory.New(), steps(6000) },
		"sqlite": func(t *testing.T) (identity.Storage, int) {
			s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rekey.db"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s, steps(1500)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, n := open(t)
			seed := rand.Uint64()
			w := newWalker(t, seed, store)
			if err := w.walk(n); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			resets := 0
			for _, u := range w.m.users {
				resets += u.changes
			}
			t.Logf("%d steps, %d resets", n, resets)
			if resets < n/1000 {
				t.Error("no reset succeeded: the walk proves little")
			}
		})
	}
}

// The walk finds stores that have one fault each.
func TestWalkFindsFaults(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]identity.Storage{
		"no budget for the number": noNumberBudget{memory.New()},
		"attempts are not counted": freeAttempts{memory.New()},
		"users are never disabled": allEnabled{memory.New()},
		"a lock is never lifted":   lockedForEver{memory.New()},
		"devices are never known":  unknowing{memory.New()},
		"a resend ends no code":    keepsAll{memory.New()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := newWalker(t, 1, store).walk(20_000); err == nil {
				t.Error("not found")
			}
		})
	}
}

type noNumberBudget struct{ *memory.Store }

func (s noNumberBudget) ChargeAttempt(ctx context.Context, a identity.Attempt) (identity.ChargedAttempt, error) {
	a.LiveCharges = nil
	return s.Store.ChargeAttempt(ctx, a)
}

type freeAttempts struct{ *memory.Store }

func (s freeAttempts) ChargeAttempt(ctx context.Context, a identity.Attempt) (identity.ChargedAttempt, error) {
	charged, err := s.Store.ChargeAttempt(ctx, a)
	if err == nil {
		ids := make([]string, len(charged.Codes))
		for i, c := range charged.Codes {
			ids[i] = c.ID
		}
		err = s.ReleaseAttempt(ctx, identity.Release{CodeIDs: ids})
	}
	return charged, err
}

type lockedForEver struct{ *memory.Store }

func (lockedForEver) ChangeLimits(context.Context, []limit.Change, time.Time) error { return nil }

type unknowing struct{ *memory.Store }

func (s unknowing) RedeemCode(ctx context.Context, r identity.Redemption) error {
	for i := range r.Changes {
		r.Changes[i].Remember = false
	}
	return s.Store.RedeemCode(ctx, r)
}

type keepsAll struct{ *memory.Store }

func (s keepsAll) IssueCode(ctx context.Context, i identity.CodeIssue) ([]limit.Spent, error) {
	i.Replace = false
	return s.Store.IssueCode(ctx, i)
}

type allEnabled struct{ *memory.Store }

func (s allEnabled) UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error) {
	u, err := s.Store.UserByMobile(ctx, tenant, mobile)
	u.Disabled = false
	return u, err
}
