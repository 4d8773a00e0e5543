package identity_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// stubHasher matches no password, and computes a hash only when a test lets it.
type stubHasher struct{ held chan struct{} }

func (h stubHasher) Hash(identity.Secret) (string, error) {
	if h.held != nil {
		<-h.held
	}
	return "stub", nil
}

func (stubHasher) Accepts(identity.Secret) error                 { return nil }
func (stubHasher) Reads(hash string) bool                        { return hash == "stub" }
func (stubHasher) Matches(string, identity.Secret) (bool, error) { return false, nil }
func (stubHasher) Current(string) bool                           { return true }

// calls counts storage calls and refusals for load, as an observer.
type calls struct {
	storage, busy atomic.Int64
	queues        sync.Map
}

func (c *calls) Observe(_ context.Context, o observe.Observation) {
	switch o.Kind {
	case observe.KindStorage:
		c.storage.Add(1)
	case observe.KindBusy:
		c.busy.Add(1)
		c.queues.Store(o.Outcome, true)
	}
}

// While the wait for hashes is too long, a caller who needs a hash is turned away
// before storage is asked for anything, and so is a send whose code would need a hash.
func TestBusyCostsNoStorage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &calls{}
		hasher := stubHasher{held: make(chan struct{})}
		svc := idleService(t, memory.New(), identitytest.NewClock(time.Now()), &smstest.Recorder{}, func(c *identity.Config) {
			c.PasswordHasher, c.HashConcurrency, c.HashQueue, c.Observer = hasher, 1, -1, seen
			c.Purposes = []identity.Purpose{identity.PurposeForgotPassword, identity.PurposeLogin}
		})
		u, err := svc.CreateUser(t.Context(), identity.NewUser{Mobile: number, PasswordHash: identity.NewSecret("stub")})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = svc.PrepareUser(t.Context(), identity.NewUser{Mobile: "13900000001", Password: identity.NewSecret(newPassword)})
		})
		synctest.Wait() // its hash is under way

		before := seen.storage.Load()
		login := identity.LoginRequest{Mobile: number, Password: identity.NewSecret(oldPassword)}
		for name, call := range map[string]func() error{
			"ResetByMobile": func() error {
				return svc.ResetByMobile(t.Context(), identity.ResetRequest{Caller: caller(), Mobile: number, Code: identity.NewSecret("123456"), Password: identity.NewSecret(newPassword)})
			},
			"SendVerifyCode": func() error {
				return svc.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeForgotPassword})
			},
			"Authenticate":   func() error { _, err := svc.Authenticate(t.Context(), login); return err },
			"VerifyPassword": func() error { _, err := svc.VerifyPassword(t.Context(), u, login); return err },
			"ChangePassword": func() error {
				_, err := svc.ChangePassword(t.Context(), identity.ChangePasswordRequest{UserID: u.ID, Old: login.Password, New: identity.NewSecret(newPassword)})
				return err
			},
			"SetPassword": func() error {
				_, err := svc.SetPassword(t.Context(), "", u.ID, identity.NewSecret(newPassword))
				return err
			},
		} {
			if busy, ok := errors.AsType[*identity.BusyError](call()); !ok || busy.RetryAfter <= 0 {
				t.Errorf("%s: not turned away, or without a time to wait", name)
			}
		}
		if n := seen.storage.Load() - before; n != 0 {
			t.Errorf("storage was asked %d times for callers who were turned away", n)
		}
		if err := svc.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeLogin}); err != nil {
			t.Errorf("a code that needs no hash: %v", err)
		}
		close(hasher.held)
		wg.Wait()
		if err := svc.SendVerifyCode(t.Context(), identity.SendRequest{Caller: caller(), Mobile: "13900000002", Purpose: identity.PurposeForgotPassword}); err != nil {
			t.Errorf("after the hash: %v", err)
		}
	})
}

// slowLooks takes a second for each look at limits.
type slowLooks struct{ *memory.Store }

func (s slowLooks) LimitStates(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error) {
	time.Sleep(time.Second)
	return s.Store.LimitStates(ctx, keys)
}

// Resets that come at the same moment, before any of them waits for a hash, are turned away
// at once too, and not after their first steps.
func TestTooManyResetsAtOnceAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		svc := idleService(t, slowLooks{memory.New()}, identitytest.NewClock(time.Now()), &smstest.Recorder{}, func(c *identity.Config) {
			identitytest.Lift(c)
			c.HashConcurrency, c.HashQueue, c.AnswerStep = 1, 9, -1
		})
		began := time.Now()
		var slowest atomic.Int64
		errs := atOnce(100, func(int) error {
			err := svc.ResetByMobile(t.Context(), identity.ResetRequest{Caller: caller(), Mobile: number, Code: identity.NewSecret("123456"), Password: identity.NewSecret(newPassword)})
			if _, busy := errors.AsType[*identity.BusyError](err); busy {
				slowest.Store(max(slowest.Load(), int64(time.Since(began))))
			}
			return err
		})
		if served := count(errs, identity.ErrCodeRefused); served != 10 {
			t.Errorf("%d served, want 10", served)
		}
		if slowest.Load() != 0 {
			t.Errorf("a refusal took %s", time.Duration(slowest.Load()))
		}
	})
}

// slowHasher takes a tenth of a second for each hash.
type slowHasher struct{ stubHasher }

func (slowHasher) Hash(identity.Secret) (string, error) {
	time.Sleep(100 * time.Millisecond)
	return "stub", nil
}

// While callers wait for hashes, codes for resets are sent only as fast as hashes are
// computed: their resets come later, all at once.
func TestSendsKeepPaceWithHashes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		svc := idleService(t, memory.New(), identitytest.NewClock(time.Now()), &smstest.Recorder{}, func(c *identity.Config) {
			identitytest.Lift(c)
			c.PasswordHasher, c.HashConcurrency = slowHasher{}, 1
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for ctx.Err() == nil {
					_, _ = svc.PrepareUser(ctx, identity.NewUser{Mobile: number, Password: identity.NewSecret(newPassword)})
				}
			})
		}
		time.Sleep(10 * time.Second) // it learns how slow hashes are
		began, sent := time.Now(), 0
		for i := range 200 {
			err := svc.SendVerifyCode(t.Context(), identity.SendRequest{
				Caller: at(device(caller(), i), v4(i)), Mobile: mobileOf(i), Purpose: identity.PurposeForgotPassword,
			})
			if _, busy := errors.AsType[*identity.BusyError](err); err == nil {
				sent++
			} else if !busy {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if seconds := time.Since(began).Seconds(); float64(sent) < 8*seconds || float64(sent) > 12*seconds {
			t.Errorf("%d codes in %.1f seconds of 10 hashes each", sent, seconds)
		}
		cancel()
		wg.Wait()
	})
}

// slowLimits takes a second for each charge.
type slowLimits struct {
	*memory.Store
	charges, together, most atomic.Int64
}

func (s *slowLimits) Spend(ctx context.Context, l []limit.Limit, now time.Time) ([]limit.Spent, error) {
	s.charges.Add(1)
	n := s.together.Add(1)
	defer s.together.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	time.Sleep(time.Second)
	return s.Store.Spend(ctx, l, now)
}

// While storage is slow, as many use cases as it can handle run, as many wait as will
// get their turn in time, and the rest are turned away without a charge.
func TestSlowStorageHasAQueueThatEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &calls{}
		store := &slowLimits{Store: memory.New()}
		svc := idleService(t, store, identitytest.NewClock(time.Now()), &smstest.Recorder{}, func(c *identity.Config) {
			identitytest.Lift(c)
			c.Observer, c.HashWait, c.HashConcurrency, c.StorageWait, c.AnswerStep = seen, -1, 1024, 2*time.Second, -1
			c.PasswordHasher = stubHasher{}
		})
		login := func() error {
			_, err := svc.Authenticate(t.Context(), identity.LoginRequest{Mobile: number, Password: identity.NewSecret(oldPassword)})
			return err
		}
		for range 50 {
			atOnce(64, func(int) error { return login() }) // it learns how slow storage is
		}
		store.charges.Store(0)
		began := time.Now()
		var slowest atomic.Int64
		errs := atOnce(1000, func(int) error {
			err := login()
			if _, busy := errors.AsType[*identity.BusyError](err); busy {
				slowest.Store(max(slowest.Load(), int64(time.Since(began))))
			}
			return err
		})
		served := count(errs, identity.ErrWrongCredentials)
		// 64 at the same time, in the first second and for two more seconds.
		if served < 3*64-8 || served > 3*64+8 {
			t.Errorf("%d served, want about %d", served, 3*64)
		}
		if store.most.Load() != 64 || store.charges.Load() != int64(served) {
			t.Errorf("%d at the same time and %d charges, want 64 and %d", store.most.Load(), store.charges.Load(), served)
		}
		if slowest.Load() != 0 {
			t.Errorf("a refusal took %s", time.Duration(slowest.Load()))
		}
		if _, ok := seen.queues.Load("storage queue"); !ok {
			t.Error("nothing observed")
		}
	})
}

// narrow is a store with three connections.
type narrow struct{ *slowLimits }

func (narrow) Concurrency() int { return 3 }

// More use cases than a store has connections would wait for a connection until their
// calls time out.
func TestUseCasesKeepToTheStoresConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowLimits{Store: memory.New()}
		svc := idleService(t, narrow{store}, identitytest.NewClock(time.Now()), &smstest.Recorder{}, func(c *identity.Config) {
			identitytest.Lift(c)
			c.HashWait, c.StorageWait, c.AnswerStep, c.PasswordHasher = -1, -1, -1, stubHasher{}
		})
		errs := atOnce(20, func(int) error {
			_, err := svc.Authenticate(t.Context(), identity.LoginRequest{Mobile: number, Password: identity.NewSecret(oldPassword)})
			return err
		})
		if served := count(errs, identity.ErrWrongCredentials); served != 20 || store.most.Load() != 3 {
			t.Errorf("%d served, %d at the same time, want 20 and 3", served, store.most.Load())
		}
	})
}
