// Package page opens the reset page that -page sets up.
package page

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
)

const (
	defaultPath = "/reset-password"
	wellKnown   = "/.well-known/change-password"
)

// taken are the first segments of paths that other routes use.
var taken = []string{"api", "receipts", "healthz", "readyz", "openapi.json", ".well-known"}

// Settings are those of -page.
type Settings struct {
	where, client, signIn, help, logo, accent string

	path string // empty: there is no page
	url  *url.URL
}

// Flags defines the flags.
func (s *Settings) Flags(f *settings.Set) {
	s.where = "off"
	f.Word(&s.where, "page", "`WHERE` people find the page on which they set a new password: its public URL, such as https://id.example.com/reset-password; a path; \"on\" for "+defaultPath+
		"; or off. A URL's host is also the default of -origin-domain")
	f.Text(&s.client, "page-client", "`ID` of the registered application that the page acts as; required with -page")
	f.Text(&s.signIn, "page-sign-in", "`URL` or path to which the last step of the page leads; default none")
	f.Text(&s.help, "page-help", "`URL` or path for a person who no longer has the number, mailto: and tel: too; default none")
	f.Text(&s.logo, "page-logo", "`FILE` of the page's logo, in SVG, PNG, WebP, JPEG or GIF, of 64 KiB at most; default: a key")
	f.Text(&s.accent, "page-accent", "`COLOUR` of the page's buttons and links, such as #0a6b63; default a green")
}

// On reports whether there is a page. Call it after Check.
func (s *Settings) On() bool { return s.path != "" }

// Path returns the page's path for the log; empty if there is no page.
func (s *Settings) Path() string { return s.path }

// Where returns the value of -page.
func (s *Settings) Where() string { return s.where }

// Client is the ID of the application that the page acts as.
func (s *Settings) Client() string { return s.client }

// Check parses -page and reports all faults before anything is opened.
func (s *Settings) Check(c identity.Config, texts resetpage.Texts) error {
	if err := s.parse(); err != nil || s.path == "" {
		return err
	}
	c.Secret = identity.NewSecret(strings.Repeat("x", 32)) // a stand-in: the service is not open yet
	_, err := s.Open(nothing{}, c, Options{Texts: texts})
	return err
}

func (s *Settings) parse() error {
	s.path, s.url = "", nil
	switch {
	case s.where == "off":
		return nil
	case s.where == "on":
		s.path = defaultPath
	case strings.HasPrefix(s.where, "/"):
		s.path = s.where
	default:
		u, err := url.Parse(s.where)
		if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
			return settings.Usagef("-page is neither on nor off, a path or a URL such as https://id.example.com%s", defaultPath)
		}
		s.path, s.url = u.EscapedPath(), u
		if s.path == "" || s.path == "/" {
			s.path = defaultPath
		}
	}
	if s.path == "/" {
		return settings.Usagef("-page cannot be /, where the other routes are; use a path such as %s", defaultPath)
	}
	if first, _, _ := strings.Cut(s.path[1:], "/"); slices.Contains(taken, first) {
		return settings.Usagef("-page cannot be below /%s, where other routes are", first)
	}
	return nil
}

// Host returns the host of the page's URL for the last line of the SMS. It is empty if
// the host is unknown or not a name.
func (s *Settings) Host() string {
	if s.url == nil {
		return ""
	}
	if _, err := netip.ParseAddr(s.url.Hostname()); err == nil {
		return ""
	}
	return s.url.Hostname()
}

// Secure reports whether -page says that people reach the page over HTTPS.
func (s *Settings) Secure() bool { return s.url != nil && s.url.Scheme == "https" }

// Options are the settings of a page that the server knows.
type Options struct {
	Address    func(*http.Request) netip.Addr
	Challenger resetpage.Challenger
	Counter    resetpage.Counter // of challenges
	Texts      resetpage.Texts
	Logger     *slog.Logger
	// InsecureCookies allows cookies over plain HTTP, for the loopback interface.
	InsecureCookies bool
}

// Open returns the page of a service. The configuration is the service's, with its
// secret. Call Check before Open.
func (s *Settings) Open(service resetpage.Service, c identity.Config, o Options) (http.Handler, error) {
	c = c.WithDefaults()
	var logo []byte
	if s.logo != "" {
		var err error
		if logo, err = os.ReadFile(s.logo); err != nil {
			return nil, fmt.Errorf("-page-logo: %w", err)
		}
	}
	handler, err := resetpage.New(service, resetpage.Config{
		ClientID: s.client, Secret: c.Secret, OldSecrets: c.OldSecrets, Path: s.path,
		DefaultRegion: c.DefaultRegion, Countries: c.Countries,
		CodeDigits: c.CodeDigits, CodeLifetime: c.CodeLifetime, PasswordMin: c.Password.Min, ResendAfter: max(c.Limits.SendCooldown, time.Nanosecond),
		ServiceName: c.ServiceName, SignInURL: s.signIn, HelpURL: s.help, Logo: logo, Accent: s.accent,
		Texts: o.Texts, Address: o.Address, Captcha: o.Challenger, Counter: o.Counter, Logger: o.Logger, InsecureCookies: o.InsecureCookies,
	})
	if err != nil {
		return nil, settings.UsageError{Err: inFlags(err)}
	}
	return handler, nil
}

// inFlags translates faults of the page into the words of the command line.
func inFlags(err error) error {
	return errors.New(strings.NewReplacer(
		"resetpage: Config.ClientID", "-page-client", "resetpage: Config.Path", "-page: the path",
		"resetpage: Config.SignInURL", "-page-sign-in", "resetpage: Config.HelpURL", "-page-help",
		"resetpage: Config.Logo", "-page-logo", "resetpage: Config.Accent", "-page-accent",
		"resetpage: Config.Texts", `-texts-file, "page": `, "resetpage: Config.", "-page: ", "\n", "; ",
	).Replace(err.Error()))
}

// Before serves the page's paths, and passes all other requests to next.
func (s *Settings) Before(next, page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == s.path || strings.HasPrefix(r.URL.Path, s.path+"/") || r.URL.Path == wellKnown {
			page.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// nothing takes the place of the service while the settings are checked.
type nothing struct{}

func (nothing) SendVerifyCode(context.Context, identity.SendRequest) error {
	return errors.ErrUnsupported
}
func (nothing) ResetByMobile(context.Context, identity.ResetRequest) error {
	return errors.ErrUnsupported
}
func (nothing) NormalizeMobile(string) (string, error) { return "", errors.ErrUnsupported }
