package server

import (
	"io"
	"log/slog"
	"maps"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/captcha"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/guard"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/pwnedpasswords"
)

// guardToken is the variable of the token that the guard is asked with.
const guardToken = "REKEY_GUARD_TOKEN"

// others are the services that the server asks, besides the providers and the
// CAPTCHA's.
type others struct {
	guard    string
	breached string
	source   *settings.Source
}

func (o *others) flags(f *settings.Set) {
	o.source = &f.Source
	f.Text(&o.guard, "guard", "`URL` of your service that is asked before a code goes out to a user and before a password is reset, see README.md; https, or http on a loopback address. "+
		"If it fails, nothing is sent, and the reset is refused with 500. A token for it is in "+guardToken+"; default: nothing is asked")
	f.Show("guard", func() string { return redacted(o.guard) })
	f.Text(&o.breached, "breached-passwords", "`URL` of a service by the protocol of Pwned Passwords that new passwords are looked up in, or \"on\" for "+pwnedpasswords.DefaultURL+
		"; it gets five digits of a hash. If it fails, the password passes; default off")
	f.Show("breached-passwords", func() string {
		if o.breached == "on" {
			return o.breached
		}
		return redacted(o.breached)
	})
}

// redacted hides a URL, which may hold a token.
func redacted(url string) string {
	if url == "" {
		return ""
	}
	return "(redacted)"
}

func (o *others) names() string {
	var names []string
	if o.guard != "" {
		names = append(names, "guard")
	}
	if o.breached != "" {
		names = append(names, "breached passwords")
	}
	return strings.Join(names, ", ")
}

// Variables returns the variables of serve besides those of flags and providers,
// with true for those that hold a secret.
func Variables() map[string]bool {
	all := captcha.Variables()
	maps.Copy(all, map[string]bool{guardToken: true, guardToken + settings.FileSuffix: false})
	return all
}

// Print writes what is set besides the flags, without secrets.
func (s *Server) Print(w io.Writer) error {
	if err := s.Routes.Print(w); err != nil {
		return err
	}
	if err := s.captcha.Print(w); err != nil {
		return err
	}
	return s.others.source.PrintSecret(w, guardToken)
}

func (s *Server) prepareOthers() error {
	o := &s.others
	token, err := o.source.Secret(guardToken)
	if err != nil {
		return err
	}
	if o.guard != "" {
		if s.Config.Guard, err = guard.New(guard.Config{URL: o.guard, Token: identity.NewSecret(token)}); err != nil {
			return settings.Usagef("-guard: %s", strings.TrimPrefix(err.Error(), "guard: "))
		}
	}
	if o.breached != "" && o.breached != "off" {
		url := o.breached
		if url == "on" {
			url = pwnedpasswords.DefaultURL
		}
		logger := s.Config.Logger
		if logger == nil { // the command check has none
			logger = slog.New(slog.DiscardHandler)
		}
		checker, err := pwnedpasswords.New(pwnedpasswords.Config{URL: url, OnFailure: func(err error) {
			logger.Warn("breached passwords cannot be looked up, passwords pass", "error", err)
		}})
		if err != nil {
			return settings.Usagef("-breached-passwords: %s", strings.TrimPrefix(err.Error(), "pwnedpasswords: "))
		}
		s.Config.Breached = checker
	}
	return nil
}
