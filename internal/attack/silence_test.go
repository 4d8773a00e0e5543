package attack_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// sink collects the text that is written to one place.
type sink struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// BeforeQuery and AfterQuery implement bun.QueryHook.
func (s *sink) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (s *sink) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	_, _ = fmt.Fprintln(s, e.Query, e.QueryArgs, e.Err)
}

// carrier is a provider that keeps the codes and misbehaves: one call panics with the
// text, another fails with it.
type carrier struct {
	mu    sync.Mutex
	calls int
	codes chan string
}

func (c *carrier) Send(_ context.Context, m sms.Message) (sms.Accepted, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	switch {
	case m.Kind != sms.KindVerifyCode:
		return sms.Accepted{}, &sms.Error{Outcome: sms.Permanent, Err: errors.New("no notice: " + m.Text + " to " + m.To)}
	case c.calls == 1:
		panic(m.Text)
	case c.calls == 2:
		return sms.Accepted{}, fmt.Errorf("cannot send %q to %s, code %s", m.Text, m.To, m.Params["code"])
	}
	c.codes <- m.Params["code"]
	return sms.Accepted{Provider: "test"}, nil
}

// Codes, passwords, secrets, hashes and numbers are planted everywhere. The test looks
// for them in every sink: logs, answers, errors, the audit trail, the outbox, and bun's
// query hooks.
func TestSilence(t *testing.T) {
	t.Parallel()
	const (
		secret     = "canary-secret-of-thirty-two-bytes!"
		oldOne     = "canary-Old-Harbor-4711"
		newOne     = "canary-New-Lantern-4712"
		wrongGuess = "904711"
		number     = "13947114712"
	)
	logs, hooks, answers, failures := &sink{}, &sink{}, &sink{}, &sink{}
	file, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rekey.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	store, err := bunstore.New(file.DB().WithQueryHook(hooks))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.DB().NewRaw("SELECT 'alive'").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	provider := &carrier{codes: make(chan string, 10)}
	logger := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := identity.Config{
		Store: store, SMS: provider, Secret: identity.NewSecret(secret), Logger: logger, AnswerStep: -1, RetryUncertain: true,
		OnPasswordReset: func(context.Context, identity.PasswordResetEvent) error { return errors.New("hook fails") },
	}
	svc, err := identity.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	logger.Debug("alive", "config", cfg, "secret", cfg.Secret)
	note := func(err error) {
		if err != nil {
			_, _ = fmt.Fprintf(failures, "%v %+v %#v\n", err, err, err)
		}
	}
	note(svc.RegisterClient(t.Context(), identity.Client{ID: "client"}))
	u, err := svc.CreateUser(t.Context(), identity.NewUser{Mobile: number, Verified: true, Password: identity.NewSecret(oldOne)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = svc.CreateUser(t.Context(), identity.NewUser{Mobile: number, Verified: true, Password: identity.NewSecret(oldOne)})
	note(err)
	_, err = svc.CreateUser(t.Context(), identity.NewUser{Mobile: "13900000000", Verified: true, Password: identity.NewSecret(number)})
	note(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = svc.Run(ctx) }()

	routes, err := httpadapter.New(svc, httpadapter.Options{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(routes)
	defer srv.Close()
	post := func(path string, fields map[string]string) {
		body, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range map[string]string{"Content-Type": "application/json", "X-client-id": "client", "X-operating-sys-version": "1", "X-agent": "a", "X-device-fingerprint": "d"} {
			req.Header.Set(k, v)
		}
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		_, _ = fmt.Fprintln(answers, resp.Status, resp.Header)
		if _, err := io.Copy(answers, resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	const resetPath, sendPath = "/api/v2/sdk/pwd/update-by-mobile", "/api/v2/sdk/sms/send"
	post(sendPath, map[string]string{"mobile": number, "type": string(identity.PurposeForgotPassword)})
	code := <-provider.codes
	for _, f := range []map[string]string{
		{"mobile": number, "verify_code": wrongGuess, "password": newOne},
		{"mobile": number, "verify_code": code, "password": number + newOne},
		{"mobile": number + newOne, "verify_code": code, "password": newOne},
		{"mobile": number, "verify_code": code, "password": newOne},
		{"mobile": number, "verify_code": code, "password": newOne},
	} {
		post(resetPath, f)
	}
	after, err := svc.UserByMobile(t.Context(), "", number)
	if err != nil || after.PasswordHash == u.PasswordHash {
		t.Fatalf("the password was not reset: %v", err)
	}
	for _, password := range []string{oldOne, newOne} {
		_, err := svc.Authenticate(t.Context(), identity.LoginRequest{Mobile: number, Password: identity.NewSecret(password)})
		note(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		messages, err := svc.Messages(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) == 3 && messages[1].State.Final() || time.Now().After(deadline) {
			_, _ = fmt.Fprintf(failures, "messages %+v\n", messages)
			break
		}
	}
	all, err := svc.Events(t.Context(), audit.Query{AfterID: "", Max: 1000})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(failures, "events %+v\n", all)
	cancel()
	<-done
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	post(resetPath, map[string]string{"mobile": number, "verify_code": code, "password": newOne}) // the storage is gone
	note(svc.ResetByMobile(context.Background(), identity.ResetRequest{Caller: identity.Caller{ClientID: "client"}, Mobile: number, Code: identity.NewSecret(code), Password: identity.NewSecret(newOne)}))

	sinks := map[string]*sink{"logs": logs, "hooks": hooks, "answers": answers, "errors, events and messages": failures}
	for name, proof := range map[string]string{"logs": "alive", "hooks": "alive", "answers": "SDK.SMS.1005", "errors, events and messages": "password.reset"} {
		if !strings.Contains(sinks[name].String(), proof) {
			t.Errorf("nothing arrived in %s", name)
		}
	}
	for what, value := range map[string]string{
		"secret": secret, "old password": oldOne, "new password": newOne, "code": code, "guess": wrongGuess, "number": number,
		"old hash": u.PasswordHash, "new hash": after.PasswordHash, "hash's key": after.PasswordHash[strings.LastIndex(after.PasswordHash, "$")+1:],
	} {
		forms := []string{value, hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value)), url.QueryEscape(value)}
		if len(value) <= 6 {
			forms = []string{`"` + value + `"`, " " + value, ">" + value, ":" + value} // short digits may occur in an id by chance
		}
		for name, s := range sinks {
			for _, form := range forms {
				if strings.Contains(s.String(), form) {
					t.Errorf("the %s is in %s as %s", what, name, form)
				}
			}
		}
	}
}
