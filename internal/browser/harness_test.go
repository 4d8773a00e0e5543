package browser_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

const (
	mobile      = "13800138000"
	e164        = "+8613800138000"
	oldPassword = "violet-Harbor-93"
	newPassword = "amber-Lantern-27"
	patience    = 30 * time.Second
)

var errNoChromium = errors.New("no Chromium in PATH: install it (Debian: apt-get install chromium), or name it in REKEY_TEST_CHROMIUM")

// chromium returns the path of the browser.
func chromium() (string, error) {
	if path := os.Getenv("REKEY_TEST_CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoChromium
}

var (
	browserOnce sync.Once
	browserCtx  context.Context
	browserErr  error
	browserStop = func() {}
)

// TestMain ends the browser that all tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	browserStop()
	os.Exit(code)
}

func startBrowser() {
	path, err := chromium()
	if err != nil {
		browserErr = err
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.IgnoreCertErrors,
		chromedp.Flag("lang", "en-US"), chromedp.WSURLReadTimeout(time.Minute))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopBrowser := chromedp.NewContext(allocator)
	browserStop = func() { stopBrowser(); stopAllocator() }
	browserCtx, browserErr = ctx, chromedp.Do(ctx)
}

// site is a service with the page on a server with TLS, so that cookies are set as in
// production.
type site struct {
	*identitytest.Fixture
	URL  string
	Page resetpage.Config
	// Wrap goes before the page's handler, to imitate a faulty browser or network.
	Wrap func(http.Handler) http.Handler

	t *testing.T
}

// needBrowser skips the test if there is no browser.
func needBrowser(t *testing.T) {
	t.Helper()
	browserOnce.Do(startBrowser)
	if browserErr != nil && !errors.Is(browserErr, errNoChromium) {
		t.Fatalf("the browser does not start: %v", browserErr)
	}
	if browserErr != nil {
		t.Skip(browserErr)
	}
}

func newSite(t *testing.T, configure ...func(*site, *identity.Config)) *site {
	t.Helper()
	needBrowser(t)
	s := &site{t: t, Page: resetpage.Config{
		ClientID:    identitytest.ClientID,
		Secret:      identity.NewSecret(strings.Repeat("p", 32)),
		ServiceName: "Harbour",
		SignInURL:   "/sign-in",
		HelpURL:     "/help",
	}}
	s.Fixture = identitytest.New(t, func(c *identity.Config) {
		for _, f := range configure {
			f(s, c)
		}
	})
	s.Page.Now, s.Page.Counter = s.Clock.Now, s.Store
	page, err := resetpage.New(s.Service, s.Page)
	if err != nil {
		t.Fatal(err)
	}
	if s.Wrap != nil {
		page = s.Wrap(page)
	}
	mux := http.NewServeMux()
	mux.Handle("/reset-password", page)
	mux.Handle("/reset-password/", page)
	mux.Handle("/.well-known/change-password", page)
	mux.HandleFunc("/sign-in", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang=en><link rel=icon href="data:,"><title>Sign in</title><body data-step=signin>`)
	})
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// signsIn reports whether the person can sign in with the password.
func (s *site) signsIn(password string) bool {
	s.t.Helper()
	_, err := s.Authenticate(s.t.Context(), identity.LoginRequest{Mobile: mobile, Password: identity.NewSecret(password)})
	return err == nil
}
