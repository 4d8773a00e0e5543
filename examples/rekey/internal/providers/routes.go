package providers

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/failover"
)

// Routes say which provider carries a message: the first whose prefix fits.
type Routes struct {
	given    []string
	receipts receiptSettings
	source   *settings.Source
}

// Flags defines -sms and -receipts-url.
func (c *Routes) Flags(f *settings.Set) {
	c.source = &f.Source
	settings.List(f, &c.given, "sms", keep, "`PROVIDERS` of the messages, in order of preference, repeated or comma-separated: "+
		strings.Join(names(), ", ")+"; \"+86=NAME\" or \"+86/+852=NAME\" serves only numbers that begin with these digits.  "+
		"console prints on standard output, for trials only; webhook=URL posts signed requests to your own service; the settings of all providers are listed below; required")
	f.Show("sms", func() string { return strings.Join(c.shown(), ",") })
	c.receipts.flags(f)
	f.After = help()
}

// keep stores a value without checking it. A later check must not repeat it in an
// error, because a webhook's URL may contain a token.
func keep(s string) (string, error) { return s, nil }

func names() (names []string) {
	for _, p := range table() {
		name := p.name
		if name == "webhook" {
			name += "=URL"
		}
		names = append(names, name)
	}
	return names
}

// Variables returns the variables of all providers' settings. The value is true for a
// variable that holds a secret.
func Variables() map[string]bool {
	known := map[string]bool{}
	for _, p := range table() {
		for _, s := range p.settings {
			known[p.prefix()+s.name] = s.secret
			known[p.prefix()+s.name+settings.FileSuffix] = false
		}
	}
	return known
}

// help lists the variables of the providers.
func help() string {
	var b strings.Builder
	b.WriteString("Settings of the providers, in the environment, or in a file that the variable with _FILE at its end names:\n")
	for _, p := range table() {
		if len(p.settings) > 0 {
			b.WriteString("\n")
		}
		for _, s := range p.settings {
			about := s.about
			if s.secret {
				about += "; secret"
			}
			if s.required {
				about += "; required"
			}
			fmt.Fprintf(&b, "  %s%s\n      %s\n", p.prefix(), s.name, about)
		}
	}
	return b.String()
}

// route is one provider, and the numbers that it serves.
type route struct {
	provider
	label    string // the name, made unique if the provider occurs more than once
	url      string // the webhook's URL, which may contain a token
	prefixes []string
}

// parseRoute parses one route. Its errors do not repeat the route.
func parseRoute(s string) (r route, err error) {
	if strings.HasPrefix(s, "+") {
		numbers, rest, _ := strings.Cut(s, "=")
		r.prefixes, s = strings.Split(numbers, "/"), rest
	}
	name, url, hasURL := strings.Cut(s, "=")
	all := table()
	i := slices.IndexFunc(all, func(p provider) bool { return p.name == name })
	if i < 0 || hasURL && name != "webhook" {
		return route{}, settings.Usagef("-sms must be one of %s, or +PREFIX= and one of them", strings.Join(names(), ", "))
	}
	r.provider, r.url = all[i], url
	return r, nil
}

func (c *Routes) parse() (routes []route, err error) {
	if len(c.given) == 0 {
		return nil, settings.Usagef("-sms is missing, give one or more of %s", strings.Join(names(), ", "))
	}
	seen := map[string]int{}
	for _, s := range c.given {
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

// Names returns the names of the providers, for the log.
func (c *Routes) Names() (names []string) {
	routes, _ := c.parse()
	for _, r := range routes {
		names = append(names, r.label)
	}
	return names
}

// shown returns -sms without the webhooks' URLs.
func (c *Routes) shown() (parts []string) {
	routes, _ := c.parse()
	for _, r := range routes {
		part := r.name
		if r.url != "" {
			part += "=(redacted)"
		}
		if len(r.prefixes) > 0 {
			part = strings.Join(r.prefixes, "/") + "=" + part
		}
		parts = append(parts, part)
	}
	return parts
}

// Print writes the settings of the providers in use, without their secrets.
func (c *Routes) Print(w io.Writer) error {
	routes, _ := c.parse()
	lines := map[string]string{}
	for _, r := range routes {
		for _, s := range r.settings {
			for _, name := range []string{r.prefix() + s.name, r.prefix() + s.name + settings.FileSuffix} {
				value, _ := c.source.Lookup(name)
				if value != "" && (s.secret || s.name == "URL") && !strings.HasSuffix(name, settings.FileSuffix) {
					value = "(redacted)"
				}
				if value != "" {
					lines[settings.Name(name)] = strings.Join(strings.Fields(value), " ")
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		if _, err := fmt.Fprintf(w, "%s = %s\n", name, lines[name]); err != nil {
			return err
		}
	}
	return nil
}

// Unserved returns, in order, the regions whose numbers no provider serves.
func (c *Routes) Unserved(regions []string) (unserved []string) {
	routes, _ := c.parse()
	for _, region := range regions {
		code := "+" + strconv.Itoa(phonenumbers.GetCountryCodeForRegion(region))
		served := slices.ContainsFunc(routes, func(r route) bool {
			return len(r.prefixes) == 0 || slices.ContainsFunc(r.prefixes, func(prefix string) bool {
				return strings.HasPrefix(code, prefix) || strings.HasPrefix(prefix, code)
			})
		})
		if !served {
			unserved = append(unserved, region)
		}
	}
	return unserved
}

// Sender opens all providers and reports everything that is missing for any of them. If
// there are several, they share the time of one delivery. The console prints to out;
// retryUncertain is for failover.Config.
func (c *Routes) Sender(out io.Writer, timeout time.Duration, retryUncertain bool) (sms.Sender, error) {
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
		return nil, settings.UsageError{Err: fmt.Errorf("-sms: %w", err)}
	}
	return sender, nil
}

// values reads the settings of a route.
func (c *Routes) values(r route) *values {
	v := read(c.source, r.prefix(), r.settings, map[string]string{"URL": r.url})
	v.receiptURL = c.receipts.url(r)
	return v
}

func (c *Routes) open(r route, out io.Writer, timeout time.Duration) (sms.Sender, error) {
	v := c.values(r)
	v.timeout, v.out = timeout, out
	if err := v.err(); err != nil {
		return nil, fmt.Errorf("-sms %s: %w", r.name, err)
	}
	sender, err := r.open(v)
	if faults := v.err(); faults != nil {
		return nil, settings.UsageError{Err: fmt.Errorf("-sms %s: %w", r.name, faults)}
	}
	if err != nil {
		return nil, settings.UsageError{Err: fmt.Errorf("-sms %s, settings %s*: %w", r.name, r.prefix(), err)}
	}
	return sender, nil
}
