package disk_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// fault makes the database refuse writes. It returns a function that ends the fault.
type fault func(t *testing.T, s *workload.Service, path string) (end func())

func pragma(t *testing.T, s *workload.Service, text string) {
	t.Helper()
	if _, err := s.Store.DB().DB.ExecContext(context.Background(), text); err != nil {
		t.Fatal(err)
	}
}

var faults = map[string]fault{
	"disk full": func(t *testing.T, s *workload.Service, _ string) func() {
		var pages int
		if err := s.Store.DB().DB.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
			t.Fatal(err)
		}
		// At least one row fits into a page that exists, so fill the pages.
		pragma(t, s, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		for i := 0; ; i++ {
			if err := s.Store.AppendEvent(t.Context(), audit.Event{ID: fmt.Sprintf("filler-%d", i), Agent: string(make([]byte, 200))}, nil); err != nil {
				break
			}
		}
		return func() { pragma(t, s, "PRAGMA max_page_count = 1000000") }
	},
	"read-only": func(t *testing.T, s *workload.Service, _ string) func() {
		pragma(t, s, "PRAGMA query_only = ON")
		return func() { pragma(t, s, "PRAGMA query_only = OFF") }
	},
	"locked by another for longer than the busy time-out": func(t *testing.T, _ *workload.Service, path string) func() {
		other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		tx, err := other.BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return func() { _, _ = tx.Rollback(), other.Close() }
	},
}

// While the fault lasts, sends and resets are answered with 503 or 500, and nothing is
// left half done. Afterwards the same process continues to serve, and the same code is
// valid.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	for name, begin := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, err := workload.New(t.Context(), dir, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			s.Store.DB().SetMaxOpenConns(1) // a pragma holds for one connection
			handler, err := httpadapter.New(s.Service, httpadapter.Options{})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			client := &http.Client{Transport: &http.Transport{}} // otherwise any test that closes its server would end idle connections of the default client
			t.Cleanup(client.CloseIdleConnections)
			post := func(path string, fields map[string]string) int {
				t.Helper()
				status, err := workload.Post(t.Context(), client, server.URL+path, fields)
				if err != nil {
					t.Fatal(err)
				}
				return status
			}
			if err := s.Users(t.Context(), 0, 1); err != nil {
				t.Fatal(err)
			}
			codes, err := s.Codes(t.Context(), 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			before, err := s.UserByMobile(t.Context(), "", workload.Number(0))
			if err != nil {
				t.Fatal(err)
			}
			send := map[string]string{"mobile": workload.Number(0), "type": string(identity.PurposeForgotPassword)}
			reset := map[string]string{"mobile": workload.Number(0), "verify_code": codes[0], "password": workload.Password}

			end := begin(t, s, filepath.Join(dir, "rekey.db"))
			for path, fields := range map[string]map[string]string{workload.SendPath: send, workload.ResetPath: reset} {
				if status := post(path, fields); status < 500 {
					t.Errorf("%s while it lasts: %d", path, status)
				}
			}
			if after, err := s.UserByMobile(t.Context(), "", workload.Number(0)); err != nil || after.PasswordHash != before.PasswordHash {
				t.Errorf("the password changed: %v", err)
			}
			end()
			if status := post(workload.ResetPath, reset); status != http.StatusOK {
				t.Errorf("reset afterwards: %d", status)
			}
			if status := post(workload.ResetPath, reset); status != http.StatusBadRequest {
				t.Errorf("the code again: %d", status)
			}
			if status := post(workload.SendPath, send); status != http.StatusOK {
				t.Errorf("send afterwards: %d", status)
			}
		})
	}
}
