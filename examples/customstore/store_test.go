package customstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/examples/customstore"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/storagetest"
)

func open(t *testing.T, path string) *customstore.Store {
	t.Helper()
	s, err := customstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) identity.Storage {
		path := filepath.Join(t.TempDir(), "journal")
		s := open(t, path)
		t.Cleanup(func() { wantSame(t, s, open(t, path)) })
		return s
	})
}

// wantSame fails the test unless both stores have the same contents.
func wantSame(t *testing.T, want, got identity.Storage) {
	t.Helper()
	all := func(s identity.Storage) []any {
		ctx := context.Background() // the test's context has ended by then
		events, err1 := s.Events(ctx, audit.Query{Max: 10_000})
		messages, err2 := s.MessageStates(ctx, "", 10_000)
		users, err3 := s.ListUsers(ctx, "acme", "", 10_000)
		clients, err4 := s.ListClients(ctx, "", 10_000)
		limits, err5 := s.LimitStates(ctx, []limit.Key{"any", "scene", "devices", "number", "a", "b"})
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			t.Fatal(err)
		}
		return []any{events, messages, users, clients, limits}
	}
	if diff := cmp.Diff(all(want), all(got)); diff != "" {
		t.Errorf("read again from the journal (-want +got):\n%s", diff)
	}
}

// After the journal is read again, a finished reset is there. A record that was half
// written when the process died is not.
func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	store := open(t, path)
	f := identitytest.New(t, func(c *identity.Config) { c.Store = store })
	f.User("13912345678", "violet-Harbor-93")
	f.SendCode("13912345678")
	err := f.ResetByMobile(t.Context(), identity.ResetRequest{Caller: f.Caller(), Mobile: "13912345678",
		Code: identity.NewSecret(f.Code("+8613912345678")), Password: identity.NewSecret("amber-Lantern-27")})
	if err != nil {
		t.Fatal(err)
	}
	f.Message("+8613912345678", sms.KindPasswordChanged)
	state := func(s *customstore.Store) string {
		t.Helper()
		u, err1 := s.UserByMobile(t.Context(), "", "+8613912345678")
		events, err2 := s.Events(t.Context(), audit.Query{AfterID: "", Max: 100})
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return fmt.Sprintf("%+v %+v", u, events)
	}
	// The result of a delivery is recorded after the message is out.
	for backlog, err := store.Backlog(t.Context()); len(backlog) > 0 || err != nil; backlog, err = store.Backlog(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	want := state(store)
	for _, tail := range []string{"", `{"method":"CreateUser","arg":{"ID":`} {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(tail); err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		again := open(t, path)
		if diff := cmp.Diff(want, state(again)); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", tail, diff)
		}
		if err := again.AppendEvent(t.Context(), audit.Event{ID: "zz" + tail, At: time.Now()}, nil); err != nil {
			t.Fatal(err)
		}
		want = state(again)
		_ = again.Close()
	}
	if err := os.WriteFile(path, []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := customstore.Open(path); err == nil {
		t.Error("opened a file that is not a journal")
	}
}
