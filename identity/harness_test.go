package identity_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/storage/memory"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

const (
	number      = "12345678901"
	e164        = "+8612345678901"
	oldPassword = "copper-Lantern-47"
	newPassword = "violet-Harbor-93"
)

// stores are the stores on which every attack is tried.
var stores = map[string]func(testing.TB) identity.Storage{
	"memory": func(testing.TB) identity.Storage { return memory.New() },
	"sqlite": func(t testing.TB) identity.Storage {
		s, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "rekey.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		return s
	},
}

func onEachStore(t *testing.T, test func(t *testing.T, f *identitytest.Fixture), configure ...func(*identity.Config)) {
	t.Helper()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "sqlite" && testing.Short() {
				t.Skip("with -short, only memory is tested: run it without -short for SQLite")
			}
			store := open(t)
			test(t, identitytest.New(t, append(configure[:len(configure):len(configure)], func(c *identity.Config) { c.Store = store })...))
		})
	}
}

// realHashes computes argon2id hashes, for tests about the hash, or about what happens
// while it is computed.
func realHashes(c *identity.Config) {
	c.Hash = identity.HashParams{MemoryKiB: 19_456, Iterations: 2, Parallelism: 1}
}

func reset(f *identitytest.Fixture, caller identity.Caller, code, password string) error {
	return f.ResetByMobile(context.Background(), identity.ResetRequest{
		Caller: caller, Mobile: number, Code: identity.NewSecret(code), Password: identity.NewSecret(password),
	})
}

func send(f *identitytest.Fixture, caller identity.Caller, mobile string) error {
	return f.SendVerifyCode(context.Background(), identity.SendRequest{
		Caller: caller, Mobile: mobile, Purpose: identity.PurposeForgotPassword,
	})
}

// passwordIs checks the password without counting as a login.
func passwordIs(t testing.TB, f *identitytest.Fixture, password string) bool {
	t.Helper()
	u, err := f.Store.UserByMobile(context.Background(), "", e164)
	if err != nil {
		t.Fatal(err)
	}
	var c identity.Config
	identitytest.CheapHashes(&c)
	if p := identity.NewSecret(password); c.PasswordHasher.Reads(u.PasswordHash) {
		ok, err := c.PasswordHasher.Matches(u.PasswordHash, p)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	ok, err := identity.MatchHash(u.PasswordHash, password)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// wrongCode returns a code that differs from the given one.
func wrongCode(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// atOnce runs f n times at the same time and returns the errors.
func atOnce(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func count(errs []error, want error) (n int) {
	for _, err := range errs {
		if errors.Is(err, want) {
			n++
		}
	}
	return n
}

func rateLimited(err error) (time.Duration, bool) {
	e, ok := errors.AsType[*identity.RateLimitedError](err)
	if !ok {
		return 0, false
	}
	return e.RetryAfter, true
}

func device(c identity.Caller, i int) identity.Caller {
	c.Device = fmt.Sprintf("device-%d", i)
	return c
}

func events(t testing.TB, s *identity.Service) (all []audit.Event) {
	t.Helper()
	for after := ""; ; {
		page, err := s.Events(context.Background(), audit.Query{AfterID: after, Max: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = page[len(page)-1].ID
	}
}
