package engines_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// log is a query hook like those that applications write.
type log struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *log) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (l *log) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(&l.all, e.Query, e.QueryArgs, e.QueryTemplate, e.Err)
}

// Hashes, digests and numbers appear neither in bun's query hooks nor in an error.
func TestQueryHooksSeeNoSecrets(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		hook := &log{}
		db := fresh(t).WithQueryHook(hook)
		s := store(t, db)
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := db.NewRaw("SELECT 4711").Exec(t.Context()); err != nil { // checks that the hook is called
			t.Fatal(err)
		}

		const mobile, hash, newHash = "+8613912345678", "$canary-hash-1$", "$canary-hash-2$"
		digest, sealed := bytes.Repeat([]byte{0xC0, 0xDE}, 16), []byte("canary-sealed-text")
		key := bytes.Repeat([]byte{7}, 32)
		now := time.UnixMilli(1_000_000)
		var errs []error
		note := func(err error) { errs = append(errs, err) }
		u := identity.User{ID: "u", Mobile: mobile, PasswordHash: hash}
		note(s.CreateUser(t.Context(), u))
		u.ID = "v"
		note(s.CreateUser(t.Context(), u)) // a duplicate
		u.ID, u.Mobile = "w", mobile+strings.Repeat("9", 1000)
		note(s.CreateUser(t.Context(), u)) // too long for most columns
		_, err := s.UserByMobile(t.Context(), "", mobile)
		note(err)
		_, err = s.IssueCode(t.Context(), identity.CodeIssue{
			Now: now, KeepLive: 3,
			Code:     identity.VerifyCode{ID: "c", Binding: key, NumberKey: key, Digest: digest, MaxAttempts: 5, CreatedAt: now, ExpiresAt: now.Add(time.Hour)},
			Messages: []outbox.Message{{ID: "m", Lane: outbox.LaneCode, KeyID: "k", Sealed: sealed, State: outbox.Pending}}, Event: audit.Event{ID: "e"},
		})
		note(err)
		_, err = s.ChargeAttempt(t.Context(), identity.Attempt{Now: now, Binding: key})
		note(err)
		_, err = s.LeaseMessages(t.Context(), outbox.Lease{Now: now, Until: now.Add(time.Minute), Token: "t", Lane: outbox.LaneCode, KeyIDs: []string{"k"}, Max: 1})
		note(err)
		note(s.RedeemCode(t.Context(), identity.Redemption{
			Now: now, CodeID: "c", NumberKey: key, Event: audit.Event{ID: "f"},
			Password: &identity.PasswordChange{UserID: "u", OldHash: hash, NewHash: newHash, ChangedAt: now, KeepHistory: 2},
		}))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		note(s.ReplacePassword(context.Background(), identity.PasswordChange{UserID: "u", OldHash: newHash, NewHash: hash}))

		seen := hook.all.String()
		if !strings.Contains(seen, "4711") {
			t.Fatal("the hook saw nothing")
		}
		seen += fmt.Sprint(errs)
		for name, secret := range map[string][]byte{"mobile": []byte(mobile[1:]), "hash": []byte(hash), "new hash": []byte(newHash), "digest": digest, "sealed": sealed} {
			for _, form := range []string{string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)), base64.StdEncoding.EncodeToString(secret)} {
				if strings.Contains(seen, form) {
					t.Errorf("%s shows: %s", name, seen)
				}
			}
		}
	})
}

// The port cannot show this: the text of a final message is deleted from the table.
func TestSealedTextIsWiped(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		s := store(t, fresh(t))
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := time.UnixMilli(1_000_000)
		if err := s.AppendEvent(t.Context(), event("e"), []outbox.Message{{ID: "m", Lane: outbox.LaneCode, KeyID: "k", Sealed: []byte("text"), State: outbox.Pending}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.LeaseMessages(t.Context(), outbox.Lease{Now: now, Until: now.Add(time.Minute), Token: "t", Lane: outbox.LaneCode, KeyIDs: []string{"k"}, Max: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.FinishMessages(t.Context(), []outbox.Result{{ID: "m", LeaseToken: "t", State: outbox.Dead, Now: now}}); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := s.DB().DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM rekey_messages WHERE sealed IS NOT NULL").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d sealed texts left, %v", left, err)
		}
	})
}

// A limit state that another program wrote is an error, never an empty counter.
func TestMalformedLimitState(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		s := store(t, fresh(t))
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		limit := []limit.Limit{{Key: "k", Rules: []limit.Rule{{Rates: []limit.Rate{{Limit: 5, Per: time.Hour}}}}}}
		if _, err := s.Spend(t.Context(), limit, time.UnixMilli(1)); err != nil {
			t.Fatal(err)
		}
		exec(t, s.DB(), "UPDATE rekey_limits SET state = 'garbage'")
		if _, err := s.Spend(t.Context(), limit, time.UnixMilli(1)); err == nil {
			t.Error("spent")
		}
	})
}
