package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/console"
	"github.com/seed-16109ab2/rekey/sms/failover"
)

// carriers say who carries the messages: the first that takes one.
type carriers struct {
	routes   []string
	webhook  webhookSettings
	receipts receiptSettings
}

func (c *carriers) flags(f *flags) {
	list(f, &c.routes, "sms", keep, "`CARRIERS` of the messages, in order of preference, repeated or comma-separated: "+
		strings.Join(carrierNames(), ", ")+"; \"+86=NAME\" or \"+86/+852=NAME\" is for numbers that begin so alone. "+
		"console prints on standard output, for trying only; webhook=URL posts, signed, to a service of yours; the others' settings are listed below; required")
	c.webhook.flags(f)
	c.receipts.flags(f)
	f.after = settingsHelp()
}

// keep takes a value that is checked later, where no error repeats it: a
// webhook's URL may hold a token.
func keep(s string) (string, error) { return s, nil }

func carrierNames() []string {
	names := []string{"console", "webhook=URL"}
	for _, p := range providers() {
		names = append(names, p.name)
	}
	return names
}

// settingsHelp lists the variables of the providers.
func settingsHelp() string {
	var b strings.Builder
	b.WriteString("Carriers' settings, in the environment, or in a file that the variable with _FILE at its end names (secrets: mode 0600):\n")
	for _, p := range providers() {
		b.WriteString("\n")
		for _, s := range p.settings {
			about := s.about
			if s.required {
				about += "; required"
			}
			fmt.Fprintf(&b, "  %s%s\n      %s\n", p.prefix(), s.name, about)
		}
	}
	return b.String()
}

// route is one of the carriers, and the numbers it is for.
type route struct {
	name     string // without the URL, which may hold a token
	label    string // the name, told apart where it occurs again
	url      string
	prefixes []string
}

// parseRoute never repeats what it was given in an error.
func parseRoute(s string) (r route, err error) {
	if strings.HasPrefix(s, "+") {
		numbers, rest, _ := strings.Cut(s, "=")
		r.prefixes, s = strings.Split(numbers, "/"), rest
	}
	name, url, hasURL := strings.Cut(s, "=")
	r.name, r.url = name, url
	known := hasURL == (name == "webhook") && slices.ContainsFunc(carrierNames(), func(n string) bool {
		n, _, _ = strings.Cut(n, "=")
		return n == name
	})
	if !known {
		return route{}, usagef("-sms must be of %s, or +PREFIX= and one of them", strings.Join(carrierNames(), ", "))
	}
	return r, nil
}

func (c *carriers) parse() (routes []route, err error) {
	if len(c.routes) == 0 {
		return nil, usagef("-sms is missing, give one or more of %s", strings.Join(carrierNames(), ", "))
	}
	seen := map[string]int{}
	for _, s := range c.routes {
		r, err := parseRoute(s)
		if err != nil {
			return nil, err
		}
		r.label = r.name
		if seen[r.name]++; seen[r.name] > 1 {
			r.label = fmt.Sprintf("%s-%d", r.name, seen[r.name])
		}
		routes = append(routes, r)
	}
	return routes, nil
}

// names are what the log tells of -sms.
func (c *carriers) names() (names []string) {
	routes, _ := c.parse()
	for _, r := range routes {
		names = append(names, r.label)
	}
	return names
}

// sender opens all carriers, and reports what is missing for any of them at once.
// Several share the time of one delivery. retryUncertain is for failover.Config.
func (c *carriers) sender(out io.Writer, timeout time.Duration, retryUncertain bool) (sms.Sender, error) {
	routes, err := c.parse()
	if err != nil {
		return nil, err
	}
	timeout = min(timeout/time.Duration(len(routes)), time.Minute)
	config := failover.Config{RetryUncertain: retryUncertain}
	var faults []error
	for _, r := range routes {
		sender, err := c.open(r, out, timeout)
		if err != nil {
			faults = append(faults, err)
		}
		config.Providers = append(config.Providers, failover.Provider{Name: r.label, Sender: sender, Prefixes: r.prefixes})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if len(routes) == 1 && len(routes[0].prefixes) == 0 {
		return config.Providers[0].Sender, nil
	}
	sender, err := failover.New(config)
	if err != nil {
		return nil, usageError{fmt.Errorf("-sms: %w", err)}
	}
	return sender, nil
}

func (c *carriers) open(r route, out io.Writer, timeout time.Duration) (sms.Sender, error) {
	switch r.name {
	case "console":
		return console.New(out), nil
	case "webhook":
		return c.webhook.sender(r.url, timeout)
	}
	for _, p := range providers() {
		if p.name != r.name {
			continue
		}
		s := readSettings(p.prefix(), p.settings)
		s.receiptURL = c.receipts.url(r)
		if err := s.err(); err != nil {
			return nil, fmt.Errorf("-sms %s: %w", p.name, err)
		}
		sender, err := p.open(s, timeout)
		if faults := s.err(); faults != nil {
			return nil, usageError{fmt.Errorf("-sms %s: %w", p.name, faults)}
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("-sms %s, settings %s*: %w", p.name, p.prefix(), err)}
		}
		return sender, nil
	}
	return nil, usagef("-sms: no carrier of this name")
}
