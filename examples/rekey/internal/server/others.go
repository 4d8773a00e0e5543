package server

import (
	"io"
	"log/slog"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/captcha"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/guard"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/eventwebhook"
	"github.com/seed-16109ab2/rekey/identity/pwnedpasswords"
)

// guardToken is the variable of the token that is sent to the guard.
const guardToken = "REKEY_GUARD_TOKEN"

// The variables of the secrets that sign events.
const (
	eventsSecret    = "REKEY_EVENTS_SECRET"
	eventsOldSecret = "REKEY_EVENTS_OLD_SECRET"
)

var otherSecrets = []string{guardToken, eventsSecret, eventsOldSecret}

// others are the services that the server calls, besides the providers and the CAPTCHA.
type others struct {
	guard    string
	breached string
	events   string
	source   *settings.Source
}

func (o *others) flags(f *settings.Set) {
	o.source = &f.Source
	f.Text(&o.guard, "guard", "`URL` of your service that allows or refuses each code for a user and each reset, see README.md; https, or http on a loopback address. "+
		"If it fails, no code is sent, and the reset is refused with 500. Its token is in "+guardToken+"; default: off")
	f.Show("guard", func() string { return redacted(o.guard) })
	EventsFlag(f, &o.events)
	f.Text(&o.breached, "breached-passwords", "`URL` of a service with the protocol of Pwned Passwords, which checks new passwords, or \"on\" for "+pwnedpasswords.DefaultURL+
		"; it gets five digits of a hash. If it fails, the password is accepted; default off")
	f.Show("breached-passwords", func() string {
		if o.breached == "on" {
			return o.breached
		}
		return redacted(o.breached)
	})
}

// EventsFlag defines -events-webhook, for serve and for the commands whose events serve
// posts.
func EventsFlag(f *settings.Set, url *string) {
	f.Text(url, "events-webhook", "`URL` of your service to which audit events are posted, signed as in Standard Webhooks, see -event-types; https, or http on a loopback address. "+
		"The secret, \"whsec_\" and base64 of 24 to 64 random bytes, is in "+eventsSecret+"; during a rotation, the earlier secret is in "+eventsOldSecret+"; default: no events are posted")
	f.Show("events-webhook", func() string { return redacted(*url) })
}

// prepareEvents reads -events-webhook and its secrets.
func (s *Server) prepareEvents() error {
	o := &s.others
	var secrets []identity.Secret
	for _, variable := range []string{eventsSecret, eventsOldSecret} {
		text, err := o.source.Secret(variable)
		if err != nil {
			return err
		}
		if text != "" {
			secrets = append(secrets, identity.NewSecret(text))
		} else if variable == eventsSecret && o.events != "" {
			return settings.Usagef("-events-webhook needs a secret in %s or %s", eventsSecret, eventsSecret+settings.FileSuffix)
		}
	}
	if o.events == "" {
		return nil
	}
	hook, err := eventwebhook.New(eventwebhook.Config{URL: o.events, Secrets: secrets})
	if err != nil {
		return settings.Usagef("-events-webhook: %s", strings.ReplaceAll(err.Error(), "eventwebhook: ", ""))
	}
	s.Config.OnEvent = hook.Deliver
	return nil
}

// redacted hides a URL, which may contain a token.
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
	if o.events != "" {
		names = append(names, "events webhook")
	}
	return strings.Join(names, ", ")
}

// Variables returns the variables of serve besides those of flags and providers. The
// value is true for a variable that holds a secret.
func Variables() map[string]bool {
	all := captcha.Variables()
	for _, secret := range otherSecrets {
		all[secret], all[secret+settings.FileSuffix] = true, false
	}
	return all
}

// Print writes the settings that are not flags, without secrets.
func (s *Server) Print(w io.Writer) error {
	if err := s.Routes.Print(w); err != nil {
		return err
	}
	if err := s.captcha.Print(w); err != nil {
		return err
	}
	for _, secret := range otherSecrets {
		if err := s.others.source.PrintSecret(w, secret); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) prepareOthers() error {
	o := &s.others
	if err := s.prepareEvents(); err != nil {
		return err
	}
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
		if logger == nil { // the command check sets no logger
			logger = slog.New(slog.DiscardHandler)
		}
		checker, err := pwnedpasswords.New(pwnedpasswords.Config{URL: url, OnFailure: func(err error) {
			logger.Warn("breached passwords cannot be looked up, new passwords are accepted", "error", err)
		}})
		if err != nil {
			return settings.Usagef("-breached-passwords: %s", strings.TrimPrefix(err.Error(), "pwnedpasswords: "))
		}
		s.Config.Breached = checker
	}
	return nil
}
