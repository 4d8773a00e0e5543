package bcrypthash_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/bcrypthash"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func hasher(t testing.TB, o bcrypthash.Options) *bcrypthash.Hasher {
	t.Helper()
	if o.Cost == 0 {
		o.Cost = 10
	}
	h, err := bcrypthash.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Other implementations of bcrypt read our hashes, and ours reads theirs.
func TestHashesAreStandardBcrypt(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "{bcrypt}"} {
		h := hasher(t, bcrypthash.Options{Prefix: prefix})
		hash, err := h.Hash(identity.NewSecret("violet-Harbor-93"))
		if err != nil {
			t.Fatal(err)
		}
		bare, ok := strings.CutPrefix(hash, prefix+"$2a$10$")
		if !ok || len(hash) != len(prefix)+60 || bcrypt.CompareHashAndPassword([]byte("$2a$10$"+bare), []byte("violet-Harbor-93")) != nil {
			t.Errorf("%q is not a standard bcrypt hash", hash)
		}
		if ok, err := h.Matches(hash, identity.NewSecret("violet-Harbor-93")); !ok || err != nil {
			t.Errorf("Matches: %v, %v", ok, err)
		}
		if ok, err := h.Matches(hash, identity.NewSecret("violet-Harbor-94")); ok || err != nil {
			t.Errorf("Matches another: %v, %v", ok, err)
		}
		if !h.Current(hash) || hasher(t, bcrypthash.Options{Cost: 11, Prefix: prefix}).Current(hash) {
			t.Error("Current is wrong about the cost")
		}
		if prefix != "" && h.Current("$2a$10$"+bare) {
			t.Error("a hash without the prefix counts as current")
		}
		if scheme, ok := identity.HashScheme(hash); !ok {
			t.Errorf("the default cannot verify %s", scheme)
		}
	}
	h := hasher(t, bcrypthash.Options{})
	for _, bad := range []string{"", "x", "$2a$10$short", "$2x$10$" + strings.Repeat("a", 53), "$2a$31$" + strings.Repeat("a", 53), "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$"} {
		if ok, _ := h.Matches(bad, identity.NewSecret("x")); h.Reads(bad) || ok || h.Current(bad) {
			t.Errorf("reads %q", bad)
		}
	}
}

// A password that bcrypt would cut is refused, and the refusal counts characters.
func TestLongPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	h := hasher(t, bcrypthash.Options{})
	for _, test := range []struct {
		password string
		most     int // 0: accepted
	}{
		{strings.Repeat("a", 72), 0}, {strings.Repeat("a", 73), 72}, {strings.Repeat("密", 24), 0}, {strings.Repeat("密", 25), 24}, {strings.Repeat("a", 71) + "密", 71},
	} {
		_, err := h.Hash(identity.NewSecret(test.password))
		pe, refused := errors.AsType[*identity.PasswordError](err)
		if refused != (test.most > 0) || refused && (pe.Fault != identity.PasswordLength || pe.Max != test.most) {
			t.Errorf("%d bytes: %v", len(test.password), err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []bcrypthash.Options{{Cost: 9}, {Cost: 17}, {Prefix: "{noop}"}} {
		if _, err := bcrypthash.New(o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
}

const mobile, e164 = "12345678901", "+8612345678901"

// A reset writes a bcrypt hash. A password that is too long for bcrypt costs no
// attempt, and the refusal says nothing about the code.
func TestServiceWithBcrypt(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.PasswordHasher = hasher(t, bcrypthash.Options{}) })
	f.User(mobile, "copper-Lantern-47")
	f.SendCode(mobile)
	code := f.Code(e164)
	long := strings.Repeat("violet-Harbor-93 ", 5)
	reset := func(code, password string) error {
		return f.ResetByMobile(t.Context(), identity.ResetRequest{Caller: f.Caller(), Mobile: mobile, Code: identity.NewSecret(code), Password: identity.NewSecret(password)})
	}
	var answers []string
	for _, c := range []string{code, "000000", "999999", code, "000001", "000002"} {
		err := reset(c, long)
		if pe, ok := errors.AsType[*identity.PasswordError](err); !ok || pe.Fault != identity.PasswordLength || pe.Min != 8 || pe.Max != 72 {
			t.Fatalf("a long password: %v", err)
		}
		answers = append(answers, err.Error())
	}
	if answers[0] != answers[1] {
		t.Error("the answers tell a right code from a wrong code")
	}
	if err := reset(code, "violet-Harbor-93"); err != nil {
		t.Fatal(err)
	}
	u, err := f.UserByMobile(t.Context(), "", mobile)
	if err != nil || bcrypt.CompareHashAndPassword([]byte(u.PasswordHash), []byte("violet-Harbor-93")) != nil {
		t.Errorf("not bcrypt: %.7s, %v", u.PasswordHash, err)
	}
	if _, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: mobile, Password: identity.NewSecret("violet-Harbor-93")}); err != nil {
		t.Error(err)
	}
}

// realHashes sets argon2id for hashes that the hasher does not make.
func realHashes(c *identity.Config) {
	c.Hash = identity.HashParams{MemoryKiB: 19_456, Iterations: 2, Parallelism: 1}
}

// Re-hashing at login follows the hasher, unless it is switched off.
func TestRehashAtLogin(t *testing.T) {
	t.Parallel()
	argon := identitytest.New(t, realHashes).User(mobile, "violet-Harbor-93").PasswordHash
	old, err := bcrypt.GenerateFromPassword([]byte("violet-Harbor-93"), 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, stored string
		keep, bcrypt bool
		want         string // the beginning of what is stored after the login
	}{
		{"bcrypt to argon2id", string(old), false, false, "$argon2id$"},
		{"bcrypt kept", string(old), true, false, "$2a$04$"},
		{"bcrypt to a higher cost", string(old), false, true, "$2a$10$"},
		{"argon2id to bcrypt", argon, false, true, "$2a$10$"},
		{"argon2id kept", argon, true, true, "$argon2id$"},
	} {
		store := memory.New()
		f := identitytest.New(t, func(c *identity.Config) {
			c.Store, c.KeepHashes = store, test.keep
			realHashes(c)
			if test.bcrypt {
				c.PasswordHasher = hasher(t, bcrypthash.Options{})
			}
		})
		if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: mobile, Verified: true, PasswordHash: identity.NewSecret(test.stored)}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: mobile, Password: identity.NewSecret("violet-Harbor-93")}); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		u, err := f.UserByMobile(t.Context(), "", mobile)
		if err != nil || !strings.HasPrefix(u.PasswordHash, test.want) {
			t.Errorf("%s: stored %.10s, %v", test.name, u.PasswordHash, err)
		}
	}
}

// A password that bcrypt matched by its first 72 bytes does not become the new one.
func TestCutPasswordsAreNotRehashed(t *testing.T) {
	t.Parallel()
	whole := strings.Repeat("violet-Harbor-93 ", 6)
	stored, err := bcrypt.GenerateFromPassword([]byte(whole[:72]), 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "{bcrypt}", "bcrypt$"} {
		for _, with := range []bool{false, true} {
			f := identitytest.New(t, func(c *identity.Config) {
				if with {
					c.PasswordHasher = hasher(t, bcrypthash.Options{})
				}
			})
			if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: mobile, Verified: true, PasswordHash: identity.NewSecret(prefix + string(stored))}); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: mobile, Password: identity.NewSecret(whole)}); err != nil {
				t.Errorf("prefix %q: %v", prefix, err)
			}
			u, err := f.UserByMobile(t.Context(), "", mobile)
			if err != nil || u.PasswordHash != prefix+string(stored) {
				t.Errorf("prefix %q: stored %.20s, %v", prefix, u.PasswordHash, err)
			}
		}
	}
}

func Example() {
	h, err := bcrypthash.New(bcrypthash.Options{Cost: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	hash, err := h.Hash(identity.NewSecret("violet-Harbor-93"))
	fmt.Println(hash[:7], err)
	// Output: $2a$10$ <nil>
}
