package identity_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-crypt/crypt/algorithm/bcrypt"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// unreadable are hashes of schemes that are not known here, and hostile ones.
var unreadable = []string{
	"garbage", "$", "5f4dcc3b5aa765d61d8327deb882cf99", "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", "!",
	"sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "{noop}violet-Harbor-93", "pbkdf2_sha256$99999999$aVeryRandomSalt1234567$QmFzZTY0RW5jb2RlZEtleU9mMzJCeXRlc0xvbmcuLi4uLi4=",
	"$1$salt$qJH7.N4xYta3aEG/dfqo/0", "$6$rounds=5000$saltsalt$hash", "$y$j9T$LdJMENpBABJJ3hIHjB1Bi.$HboGM6qPrsK.StKYGt6KErmUYtioHreJd98oIugoNB6",
	"$argon2i$v=19$m=65536,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
	"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
	"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
	"{SSHA}" + strings.Repeat("A", 40), strings.Repeat("$", 600),
}

// An unreadable hash counts as no password, not as a failure: a login is refused as
// with any wrong password, and a reset sets a new password.
func TestUnreadableStoredHashIsNoPassword(t *testing.T) {
	t.Parallel()
	for i, phc := range unreadable {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			f := identitytest.New(t, func(c *identity.Config) {
				c.Password.History = 3
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			})
			err := f.Store.CreateUser(t.Context(), identity.User{ID: "u", Mobile: e164, PasswordHash: phc, VerifiedAt: f.Clock.Now(), CreatedAt: f.Clock.Now()})
			if err != nil {
				t.Fatal(err)
			}
			_, err = login(t, f, number, phc)
			wantErr(t, "login", err, identity.ErrWrongCredentials)
			if got := strings.Count(log.String(), "level=WARN"); got != 1 || strings.Contains(log.String(), phc) && len(phc) > 1 {
				t.Errorf("a login logs %d warnings: %s", got, log.String())
			}
			if got := outcomes(t, f, audit.LoginRefused); len(got) != 1 || got[0] != "wrong password" {
				t.Errorf("recorded as %q", got)
			}
			f.SendCode(number)
			if err := reset(f, f.Caller(), f.Code(e164), newPassword); err != nil {
				t.Fatalf("reset: %v", err)
			}
			if !passwordIs(t, f, newPassword) {
				t.Error("the new password is not set")
			}
		})
	}
}

// An unreadable hash in the history does not hide the readable ones.
func TestUnreadableHashInTheHistory(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.Password.History = 3 })
	u := f.User(number, oldPassword)
	err := f.Store.ReplacePassword(t.Context(), identity.PasswordChange{
		UserID: u.ID, OldHash: u.PasswordHash, NewHash: "$argon2i$none", ChangedAt: f.Clock.Now(), KeepHistory: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.SendCode(number)
	err = reset(f, f.Caller(), f.Code(e164), oldPassword)
	if pe, ok := err.(*identity.PasswordError); !ok || pe.Fault != identity.PasswordReused {
		t.Errorf("the password before the unreadable one: %v", err)
	}
}

// bcrypt reads 72 bytes of a password. A longer password logs in by its first 72 bytes,
// as it did where it was set, but the typed text does not become the password.
func TestLongPasswordsAndBcrypt(t *testing.T) {
	t.Parallel()
	first := strings.Repeat("violet-Harbor-93 ", 5)[:72]
	b, err := bcrypt.New(bcrypt.WithCost(10))
	if err != nil {
		t.Fatal(err)
	}
	f := identitytest.New(t)
	d, err := b.Hash(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number, Verified: true, PasswordHash: identity.NewSecret(d.Encode())}); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{first + "-as-it-was-set", first + "-otherwise"} {
		u, err := login(t, f, number, typed)
		if err != nil {
			t.Errorf("%d bytes: %v", len(typed), err)
		}
		if err == nil && u.PasswordHash != d.Encode() {
			t.Errorf("%q has become the password", typed)
		}
	}
	_, err = login(t, f, number, first[:71]+"y-wrong")
	wantErr(t, "another byte 72", err, identity.ErrWrongCredentials)
	// With 72 bytes it is unknown whether they are the whole password.
	if u, err := login(t, f, number, first); err != nil || u.PasswordHash != d.Encode() {
		t.Errorf("72 bytes: %.20s, %v", u.PasswordHash, err)
	}
	f.SendCode(number)
	if err := reset(f, f.Caller(), f.Code(e164), first+" and all of this"); err != nil {
		t.Fatal(err)
	}
	_, err = login(t, f, number, first)
	wantErr(t, "the beginning, after a reset", err, identity.ErrWrongCredentials)
}

func TestShortBcryptPasswordsBecomeArgon2id(t *testing.T) {
	t.Parallel()
	b, err := bcrypt.New(bcrypt.WithCost(10))
	if err != nil {
		t.Fatal(err)
	}
	f := identitytest.New(t, realHashes)
	password := strings.Repeat("é", 35) + "x" // 71 bytes
	d, err := b.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number, Verified: true, PasswordHash: identity.NewSecret(d.Encode())}); err != nil {
		t.Fatal(err)
	}
	if u, err := login(t, f, number, password); err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$") {
		t.Errorf("%.20s, %v", u.PasswordHash, err)
	}
}
