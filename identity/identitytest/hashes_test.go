package identitytest_test

import (
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

func TestCheapHashes(t *testing.T) {
	t.Parallel()
	var c identity.Config
	identitytest.CheapHashes(&c)
	h := c.PasswordHasher
	first, err := h.Hash(identity.NewSecret("violet-Harbor-93"))
	if err != nil {
		t.Fatal(err)
	}
	second, _ := h.Hash(identity.NewSecret("violet-Harbor-93"))
	if first == second || !h.Reads(first) || !h.Current(first) {
		t.Errorf("%q and %q", first, second)
	}
	for password, want := range map[string]bool{"violet-Harbor-93": true, "violet-Harbor-94": false, "": false} {
		if got, err := h.Matches(first, identity.NewSecret(password)); got != want || err != nil {
			t.Errorf("%q matches: %v, %v", password, got, err)
		}
	}
	for _, bad := range []string{"", "$identitytest$", first[:len(first)-1], "$argon2id" + first} {
		if h.Reads(bad) {
			t.Errorf("reads %q", bad)
		}
	}
}

// Values that a test sets itself are kept.
func TestRealHashes(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) {
		c.Hash = identity.HashParams{MemoryKiB: 19_456, Iterations: 2, Parallelism: 1}
	})
	if u := f.User("12345678901", "violet-Harbor-93"); !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored %.30s", u.PasswordHash)
	}
}
