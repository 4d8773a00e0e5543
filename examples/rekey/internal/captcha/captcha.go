// Package captcha opens the CAPTCHA that -captcha names.
package captcha

import (
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/captcha"
	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/puzzle"
	"github.com/seed-16109ab2/rekey/identity/siteverify"
)

// SecretVariable is the variable that holds the secret key of a company's CAPTCHA.
const SecretVariable = "REKEY_CAPTCHA_SECRET"

// The kinds of -captcha that need no company.
const (
	off         = "off"
	kindAltcha  = "altcha"
	kindSliding = "puzzle"
)

// companies are the services that -captcha knows, by name.
var companies = map[string]siteverify.Service{
	"turnstile": siteverify.Turnstile, "hcaptcha": siteverify.HCaptcha,
	"recaptcha": siteverify.RecaptchaV2, "recaptcha3": siteverify.RecaptchaV3,
}

// Settings are those of -captcha.
type Settings struct {
	kind            string
	hosts           []string
	action, siteKey string
	source          *settings.Source

	puzzles *puzzle.Puzzles
	altcha  *altcha.Verifier
}

// Flags defines the flags.
func (s *Settings) Flags(f *settings.Set) {
	s.source, s.kind = &f.Source, off
	f.Word(&s.kind, "captcha", "`KIND` of CAPTCHA that sends require, see -captcha-mode: altcha (a proof of work), puzzle (a sliding puzzle), turnstile, hcaptcha, recaptcha (version 2), recaptcha3, or off")
	settings.List(f, &s.hosts, "captcha-hosts", settings.ParseWord, "`HOSTS` whose pages show the widget of turnstile, hcaptcha or recaptcha, comma-separated; tokens of other hosts are refused. The secret key is in "+SecretVariable)
	f.Text(&s.siteKey, "captcha-site-key", "`KEY` of the site at hcaptcha: tokens of other keys are refused; default: not compared")
	f.Text(&s.action, "captcha-action", "`ACTION` that the widget must name, for turnstile and recaptcha3 (which requires it); default: not compared")
}

// Variables returns the variables besides those of the flags. The value is true for a
// variable that holds a secret.
func Variables() map[string]bool {
	return map[string]bool{SecretVariable: true, SecretVariable + settings.FileSuffix: false}
}

// Kind returns the kind that -captcha names.
func (s *Settings) Kind() string { return s.kind }

// On reports whether a CAPTCHA is set.
func (s *Settings) On() bool { return s.kind != off }

// OnPage reports whether the page for people can use this CAPTCHA.
func (s *Settings) OnPage() bool { return s.kind == off || s.kind == kindAltcha }

// Check reports faults of the settings before anything is opened.
func (s *Settings) Check() error {
	if _, company := companies[s.kind]; !company {
		if !slices.Contains([]string{off, kindAltcha, kindSliding}, s.kind) {
			return settings.Usagef("-captcha is %q, must be altcha, puzzle, turnstile, hcaptcha, recaptcha, recaptcha3 or off", s.kind)
		}
		if len(s.hosts) > 0 || s.siteKey != "" || s.action != "" {
			return settings.Usagef("-captcha-hosts, -captcha-site-key and -captcha-action are for turnstile, hcaptcha and recaptcha, and -captcha is %s", s.kind)
		}
		return nil
	}
	_, err := s.company(slog.New(slog.DiscardHandler))
	return err
}

func (s *Settings) company(logger *slog.Logger) (identity.CaptchaVerifier, error) {
	secret, err := s.source.Secret(SecretVariable)
	if err != nil {
		return nil, err
	}
	if secret == "" {
		return nil, settings.Usagef("-captcha %s: missing in the environment: %s", s.kind, SecretVariable)
	}
	v, err := siteverify.New(siteverify.Config{
		Service: companies[s.kind], Secret: identity.NewSecret(secret), Hosts: s.hosts, Action: s.action, SiteKey: s.siteKey,
		OnFailure: func(err error) { logger.Warn("captcha service failed, the send is refused", "error", err) },
	})
	if err != nil {
		return nil, settings.UsageError{Err: inFlags(err)}
	}
	return v, nil
}

// inFlags translates an error of a library into the words of the command line.
func inFlags(err error) error {
	return errors.New(strings.NewReplacer("siteverify: Config.Hosts", "-captcha-hosts", "siteverify: Config.Action", "-captcha-action",
		"siteverify: Config.Secret", SecretVariable, "\n", "; ").Replace(err.Error()))
}

// Open makes the verifier, and adds it to a configuration that has its store and
// secret.
func (s *Settings) Open(c *identity.Config) (err error) {
	switch s.kind {
	case off:
	case kindAltcha:
		s.altcha, err = altcha.New(altcha.Config{Secret: c.Secret, Counter: c.Store})
		c.Captcha = s.altcha
	case kindSliding:
		s.puzzles, err = puzzle.New(puzzle.Config{Secret: c.Secret, Counter: c.Store})
		c.Captcha = s.puzzles
	default:
		c.Captcha, err = s.company(c.Logger)
	}
	return err
}

// Routes returns the routes by which clients get a challenge. Call it after Open.
func (s *Settings) Routes(service *identity.Service, counter captcha.Counter) ([]httpadapter.Route, error) {
	if s.altcha == nil && s.puzzles == nil {
		return nil, nil
	}
	return captcha.Routes(captcha.Config{Service: service, Counter: counter, Altcha: s.altcha, Puzzles: s.puzzles})
}

// Challenger returns what makes challenges for the page, or nil if there are none. Call
// it after Open.
func (s *Settings) Challenger() resetpage.Challenger {
	if s.altcha == nil {
		return nil
	}
	return s.altcha
}

// Print writes the settings that are not flags, without the secret.
func (s *Settings) Print(w io.Writer) error {
	return s.source.PrintSecret(w, SecretVariable)
}
