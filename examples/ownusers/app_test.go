package main

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

const (
	oldPassword = "copper-Lantern-47"
	newPassword = "violet-Harbor-93"
)

// browser is the browser of one person.
type browser struct {
	t      *testing.T
	client *http.Client
	base   string
}

func (b browser) post(path string, fields ...string) int {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(request)
}

func (b browser) me() int {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+"/me", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(request)
}

func (b browser) do(request *http.Request) int {
	b.t.Helper()
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode
}

func (b browser) want(what string, got, want int) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: %d, want %d", what, got, want)
	}
}

// world is a running application with one account from before Rekey.
type world struct {
	*app
	sms  *smstest.Recorder
	base string
}

func start(t *testing.T, database string) world {
	t.Helper()
	store, err := open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.DB().Close() })
	hash, err := bcrypt.GenerateFromPassword([]byte(oldPassword), 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.DB().ExecContext(t.Context(), "INSERT INTO accounts (name, email, phone, phone_ok_at, secret) VALUES "+
		"('Li Wei', 'li@example.com', '139-1234-5678', '2024-02-29 12:00:00', ?), ('Wang Fang', 'wang@example.com', NULL, NULL, ?)", string(hash), string(hash)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := prepare(t.Context(), &out, store); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "2 accounts read\n") || strings.Contains(got, "error:") {
		t.Errorf("the check says: %s", got)
	}
	recorder := &smstest.Recorder{}
	a, err := newApp(t.Context(), store, recorder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.rekey.Run(ctx) }()
	server := httptest.NewServer(a.routes())
	t.Cleanup(func() {
		server.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return world{a, recorder, server.URL}
}

func (w world) browser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{t, &http.Client{Jar: jar, Timeout: 30 * time.Second}, w.base}
}

// code waits for the next code that arrives at a number.
func (w world) code(t *testing.T, e164 string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		m, err := w.sms.Next(ctx, e164)
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == sms.KindVerifyCode {
			return m.Params["code"]
		}
	}
}

func onEachDatabase(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, start(t, filepath.Join(t.TempDir(), "app.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := os.Getenv("REKEY_TEST_POSTGRES")
		if dsn == "" {
			t.Skip("to run it, set REKEY_TEST_POSTGRES to a server that may create schemas, such as postgres://user:password@127.0.0.1:5432/database")
		}
		t.Parallel()
		test(t, start(t, freshSchema(t, dsn)))
	})
}

// A person forgot the password, resets it, is signed out everywhere, and signs in by
// number and by e-mail address with the new one.
func TestReset(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w world) {
		other, b := w.browser(t), w.browser(t)
		other.want("login elsewhere", other.post("/auth/login", "login", "Li@example.com", "password", oldPassword), 204)
		other.want("session elsewhere", other.me(), 200)
		b.want("no session", b.me(), 401)

		b.want("forgot", b.post("/auth/forgot", "phone", "13912345678"), 204)
		b.want("forgot, unknown", b.post("/auth/forgot", "phone", "13900000000"), 204)
		code := w.code(t, "+8613912345678")
		b.want("weak password", b.post("/auth/reset", "phone", "13912345678", "code", code, "password", "password"), 400)
		other.want("another browser", other.post("/auth/reset", "phone", "13912345678", "code", code, "password", newPassword), 400)
		b.want("reset", b.post("/auth/reset", "phone", "139 1234 5678", "code", code, "password", newPassword), 204)
		b.want("twice", b.post("/auth/reset", "phone", "13912345678", "code", code, "password", newPassword), 400)

		other.want("session elsewhere, after the reset", other.me(), 401)
		b.want("old password by number", b.post("/auth/login", "login", "13912345678", "password", oldPassword), 401)
		b.want("old password by e-mail", b.post("/auth/login", "login", "li@example.com", "password", oldPassword), 401)
		b.want("unknown user", b.post("/auth/login", "login", "nobody@example.com", "password", oldPassword), 401)
		b.want("by number", b.post("/auth/login", "login", "+86 139-1234-5678", "password", newPassword), 204)
		b.want("session", b.me(), 200)
		other.want("by e-mail", other.post("/auth/login", "login", "li@example.com", "password", newPassword), 204)

		// This is what another service of the company reads.
		var secret, phone string
		if err := w.store.DB().QueryRowContext(t.Context(), "SELECT secret, phone FROM accounts WHERE email = 'li@example.com'").Scan(&secret, &phone); err != nil {
			t.Fatal(err)
		}
		if bcrypt.CompareHashAndPassword([]byte(secret), []byte(newPassword)) != nil || phone != "139-1234-5678" {
			t.Errorf("the row holds %.7s… and %s", secret, phone)
		}
	})
}

// A change of the password, which requires the old one, ends the other sessions and
// keeps this session.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w world) {
		other, b := w.browser(t), w.browser(t)
		for _, who := range []browser{other, b} { // this account has no number yet
			who.want("login", who.post("/auth/login", "login", "wang@example.com", "password", oldPassword), 204)
		}
		b.want("wrong old password", b.post("/auth/password", "old", newPassword, "password", newPassword), 401)
		b.want("change", b.post("/auth/password", "old", oldPassword, "password", newPassword), 204)
		b.want("this session", b.me(), 200)
		other.want("the other session", other.me(), 401)
	})
}

// The application creates an account: it inserts its own row, and the database assigns
// the id.
func TestRegister(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w world) {
		b := w.browser(t)
		b.want("send", b.post("/auth/register/code", "phone", "13800138000"), 204)
		b.want("send to a number with an account", b.post("/auth/register/code", "phone", "13912345678"), 204)
		code := w.code(t, "+8613800138000")
		fields := []string{"phone", "13800138000", "code", code, "name", "Zhang San", "email", "zhang@example.com", "password", newPassword}
		b.want("register", b.post("/auth/register", fields...), 204)
		b.want("session", b.me(), 200)
		b.want("the same code again", b.post("/auth/register", fields...), 400)
		b.want("login", b.post("/auth/login", "login", "13800138000", "password", newPassword), 204)
		var phone string
		if err := w.store.DB().QueryRowContext(t.Context(), "SELECT phone FROM accounts WHERE email = 'zhang@example.com'").Scan(&phone); err != nil || phone != "13800138000" {
			t.Errorf("stored %q, %v", phone, err)
		}
		b.want("forgot", b.post("/auth/forgot", "phone", "13800138000"), 204)
		if w.code(t, "+8613800138000") == "" {
			t.Error("a new account cannot reset")
		}
	})
}
