package siteverify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// Service is a company's service.
type Service string

// The services.
const (
	Turnstile   Service = "turnstile"
	HCaptcha    Service = "hcaptcha"
	RecaptchaV2 Service = "recaptcha2" // the check box and the invisible one
	RecaptchaV3 Service = "recaptcha3" // a score between 0 and 1 for each request
)

// urls are where the services answer, as their documents say.
var urls = map[Service]string{
	Turnstile:   "https://challenges.cloudflare.com/turnstile/v0/siteverify",
	HCaptcha:    "https://api.hcaptcha.com/siteverify",
	RecaptchaV2: "https://www.google.com/recaptcha/api/siteverify",
	RecaptchaV3: "https://www.google.com/recaptcha/api/siteverify",
}

// Config is everything a [Verifier] is built from. Service, Secret and Hosts are
// mandatory.
type Config struct {
	// Service is the company's service. Mandatory.
	Service Service
	// Secret is the secret key that belongs to the site key of the page. Mandatory.
	Secret identity.Secret
	// Hosts are the host names of the pages that show the widget, without port, such
	// as "www.example.com". A token of another host is refused. Mandatory, unless
	// InsecureAnyHost is set.
	Hosts []string
	// Action is the action that the page gives to the widget. A token of another action is
	// refused. Mandatory for RecaptchaV3; optional for Turnstile, where an empty Action is
	// not compared. The other services have no actions.
	Action string
	// MinScore is the least score of RecaptchaV3 that passes: above 0, at most 1.
	// Default 0.5. The other services ignore it.
	MinScore float64
	// SiteKey, if not empty, is passed to HCaptcha, which then refuses the tokens of
	// other site keys. The other services ignore it.
	SiteKey string

	// WithholdAddress keeps the caller's address from the company. By default the address
	// is sent as remoteip, which helps the company to recognise tokens that another machine
	// solved.
	WithholdAddress bool
	// Timeout limits one check: 100 ms to 30 s. Default 3 s.
	Timeout time.Duration
	// Concurrency is how many checks run at the same time: 1 to 10,000. Further checks fail
	// and refuse the send. Default 32.
	Concurrency int
	// URL replaces the address of the service, for a mirror (such as
	// https://www.recaptcha.net/recaptcha/api/siteverify) or a test: https, or http on
	// a loopback address.
	URL string
	// Client makes the requests. Its redirect policy and cookies are not used. By default
	// the verifier makes its own client.
	Client *http.Client

	// OnFailure, if not nil, is called for each check that failed. Its error holds neither
	// the token nor the secret.
	OnFailure func(error)

	// InsecureAllowOnFailure lets a send pass when the service cannot be reached, is too
	// slow, or reports an internal failure. The attack: while the service is down, or an
	// attacker prevents this server from reaching it, there is no CAPTCHA, and only the
	// limits protect your SMS bill from a script.
	InsecureAllowOnFailure bool
	// InsecureAnyHost accepts tokens of every host. The attack: the site key is
	// public. An attacker shows the widget on a page of their own, has visitors solve
	// it, and spends the tokens here. Set it only if the company's own check of host
	// names is on.
	InsecureAnyHost bool
}

// Verifier implements [identity.CaptchaVerifier]. It is safe for concurrent use.
type Verifier struct {
	cfg    Config
	client http.Client
	slots  chan struct{}
}

var _ identity.CaptchaVerifier = (*Verifier)(nil)

// New returns a verifier, or an error that joins all faults of cfg. It makes no request.
func New(cfg Config) (*Verifier, error) {
	cfg.Hosts = slices.Clone(cfg.Hosts)
	if cfg.URL == "" {
		cfg.URL = urls[cfg.Service]
	}
	if cfg.MinScore == 0 {
		cfg.MinScore = 0.5
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 3 * time.Second
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 32
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	v := &Verifier{cfg: cfg, slots: make(chan struct{}, cfg.Concurrency)}
	if cfg.Client != nil {
		v.client = *cfg.Client
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		v.client.Transport = t.Clone()
	}
	// A redirect would send the secret to another host.
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.client.Jar = nil
	return v, nil
}

func (c *Config) check() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("siteverify: Config."+format, args...))
		}
	}
	_, known := urls[c.Service]
	fault(!known, "Service %q is unknown", c.Service)
	fault(c.Secret.Empty(), "Secret is missing")
	fault(len(c.Hosts) == 0 && !c.InsecureAnyHost, "Hosts are missing")
	for _, h := range c.Hosts {
		fault(h == "" || strings.ContainsAny(h, ":/ *"), "Hosts: %q is not a host name", h)
	}
	fault(c.Service == RecaptchaV3 && c.Action == "", "Action is missing")
	fault((c.Service == HCaptcha || c.Service == RecaptchaV2) && c.Action != "", "Action is set, but %s does not support actions", c.Service)
	fault(!(c.MinScore > 0 && c.MinScore <= 1), "MinScore is %v, must be above 0 and at most 1", c.MinScore)
	fault(c.Timeout < 100*time.Millisecond || c.Timeout > 30*time.Second, "Timeout is %s, must be 100ms to 30s", c.Timeout)
	fault(c.Concurrency < 1 || c.Concurrency > 10_000, "Concurrency is %d, must be 1 to 10000", c.Concurrency)
	if known || c.URL != "" {
		u, err := url.Parse(c.URL)
		fault(err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())),
			"URL is neither https nor http on a loopback address")
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// maxToken bounds a token. Turnstile's have at most 2,048 bytes.
const maxToken = 8 << 10

// VerifyCaptcha implements [identity.CaptchaVerifier]. The service uses the token
// up, whatever is then decided.
//
// Errors wrap [identity.ErrCaptchaExpired] if the service calls the token too old or used,
// and [identity.ErrCaptchaWrong] if the service refuses the token or if its host, action or
// score is not accepted. Any other error means that the token could not be checked; see
// Config.InsecureAllowOnFailure.
func (v *Verifier) VerifyCaptcha(ctx context.Context, r identity.CaptchaRequest) error {
	if r.Token == "" || len(r.Token) > maxToken {
		return wrong("the token is empty or too long")
	}
	err := v.verify(ctx, r)
	if err == nil || errors.Is(err, identity.ErrCaptchaWrong) || errors.Is(err, identity.ErrCaptchaExpired) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err() // the caller left
	}
	if v.cfg.OnFailure != nil {
		v.cfg.OnFailure(err)
	}
	if _, theirs := errors.AsType[*outage](err); theirs && v.cfg.InsecureAllowOnFailure {
		return nil
	}
	return err
}

func (v *Verifier) verify(ctx context.Context, r identity.CaptchaRequest) error {
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	default:
		// This is not an outage, because callers can cause it.
		return errors.New("siteverify: too many checks at the same time")
	}
	a, err := v.ask(ctx, r)
	if err != nil {
		return err
	}
	return v.judge(a)
}

// outage is a failure of the service, or of the connection to it.
type outage struct{ err error }

func (e *outage) Error() string { return "siteverify: " + e.err.Error() }
func (e *outage) Unwrap() error { return e.err }

func wrong(why string) error {
	return fmt.Errorf("siteverify: %s: %w", why, identity.ErrCaptchaWrong)
}
