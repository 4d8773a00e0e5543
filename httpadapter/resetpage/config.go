package resetpage

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/challenges"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Service is what the page needs of [identity.Service].
type Service interface {
	SendVerifyCode(context.Context, identity.SendRequest) error
	ResetByMobile(context.Context, identity.ResetRequest) error
	// NormalizeMobile is asked only if [Config.Captcha] is set.
	NormalizeMobile(mobile string) (string, error)
}

// Config is everything the page is built from. ClientID and Secret are
// mandatory; every other field has a default that New fills in when it is zero.
type Config struct {
	// ClientID is the registered application that the page asks as. Mandatory.
	ClientID string
	// Tenant names the tenant of a request, for example by its host name. It must
	// not be taken from what the browser sends without checking it. If nil, the
	// page names no tenant.
	Tenant func(*http.Request) string

	// Secret is the secret from which the key of the state cookie is derived, at least
	// 32 bytes. Mandatory. It may be the secret of [identity.Config]: the keys differ.
	Secret identity.Secret
	// OldSecrets are earlier secrets. A state sealed with one can be opened while
	// it is listed.
	OldSecrets []identity.Secret

	// Path is where the page is mounted, such as "/account/reset": it begins with
	// a slash and does not end with one, unless it is "/". The handler answers this
	// path and those below it. Default "/reset-password".
	Path string

	// DefaultRegion is the country that is chosen at first, as an ISO 3166-1
	// alpha-2 code. Default: the first of Countries, or else "CN".
	DefaultRegion string
	// Countries are the served countries, as in [identity.Config]. With more than
	// one, the page has a choice. Default: only DefaultRegion.
	Countries []string

	// CodeDigits is how many digits the page says that a code has. It should be
	// that of [identity.Config]. Default 6.
	CodeDigits int
	// CodeLifetime is how long the page says that a code is valid. It should be
	// that of [identity.Config]. Default 5 min.
	CodeLifetime time.Duration
	// PasswordMin is the fewest characters that the page asks for. It should be
	// that of [identity.PasswordPolicy]. Default 8.
	PasswordMin int
	// ResendAfter is how long the button that sends another code waits after a
	// send. It should be the SendCooldown of [identity.LimitPolicy]. Default 60 s.
	ResendAfter time.Duration
	// Lifetime is how long the state between two steps is kept: 1 to 60 minutes,
	// default 15.
	Lifetime time.Duration

	// ServiceName is the name of your product, in the page's head and title.
	// Default none.
	ServiceName string
	// SignInURL is where the last step leads: an absolute http or https URL or a
	// path of this host. It is fixed here, so that no link to the page can change
	// where it leads. Default none: the last step has no button.
	SignInURL string
	// HelpURL is the link for a person who no longer has the number, in the same form as
	// SignInURL; "mailto:" and "tel:" are allowed too. Default none.
	HelpURL string
	// Logo is an image in SVG, PNG, WebP, JPEG or GIF, at most 64 KiB, shown 32
	// pixels high. Default: a key in the accent colour.
	Logo []byte
	// Accent is the colour of buttons and links, as "#rrggbb". Text on it, and its
	// shades for links and for dark mode, are chosen so that they can be read
	// (WCAG 2.2, contrast of 4.5 to 1). Default "#0a6b63".
	Accent string
	// CSS is added to the style sheet: set the variables that docs/reset-page-look.md
	// lists, or anything else. Default none.
	CSS string

	// Texts add languages, or replace shipped texts. A text that an added language
	// lacks is shown in English.
	Texts Texts
	// Languages are the languages on offer, in the order of the switch. Default: English,
	// Chinese, then the others of Texts.
	Languages []string
	// DefaultLanguage is used if the browser asks for none of Languages. Default: the
	// first of Languages.
	DefaultLanguage string
	// Templates replace shipped templates by name. See [Page] for what they get and
	// docs/reset-page-look.md for their names. They can call the functions of html/template
	// and of Page, and no methods. Default none.
	Templates *template.Template

	// Address returns the address that limits count by. Behind a reverse proxy it must
	// return the address that the proxy reports, or all people share the same limits.
	// Default: the address of the connection.
	Address func(*http.Request) netip.Addr
	// Captcha makes the challenges if the service asks for a captcha token, always or on
	// suspicion. Use the verifier of package identity/altcha that [identity.Config] has.
	// If nil, a person who needs a token cannot continue.
	Captcha Challenger
	// Counter counts challenges by address: any [identity.Storage]. Mandatory if Captcha is
	// set.
	Counter Counter
	// ChallengesPerAddress is how many challenges one address can ask for, those of
	// package captcha included. Default 60 in 10 minutes, more codes than an office behind
	// one address sends. Wider networks have limits too, as package captcha says.
	ChallengesPerAddress []limit.Rate

	// Logger gets a record of each form that is sent and of each failure of the server;
	// never a number, a code or a password. If nil, nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time

	// InsecureCookies allows the page over plain HTTP, for tests on your own machine. An
	// attacker on the network can then read and change the cookies, the code and the new
	// password.
	InsecureCookies bool
}

const (
	minSecret = 32
	maxLogo   = 64 << 10
)

// fill sets the defaults and copies the slices and maps that the caller could change.
func (c *Config) fill() {
	def(&c.Path, "/reset-password")
	if c.DefaultRegion == "" && len(c.Countries) > 0 {
		c.DefaultRegion = c.Countries[0]
	}
	def(&c.DefaultRegion, "CN")
	if len(c.Countries) == 0 {
		c.Countries = []string{c.DefaultRegion}
	}
	def(&c.CodeDigits, 6)
	def(&c.CodeLifetime, 5*time.Minute)
	def(&c.PasswordMin, 8)
	def(&c.ResendAfter, time.Minute)
	def(&c.Lifetime, 15*time.Minute)
	def(&c.Accent, "#0a6b63")
	c.ChallengesPerAddress = slices.Clone(c.ChallengesPerAddress)
	if len(c.ChallengesPerAddress) == 0 {
		c.ChallengesPerAddress = challenges.Default()
	}
	c.Countries = slices.Clone(c.Countries)
	c.OldSecrets = slices.Clone(c.OldSecrets)
	c.Logo = slices.Clone(c.Logo)
	if c.Address == nil {
		c.Address = connection
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// check returns all faults of a filled configuration, except those of the texts and
// templates.
func (c *Config) check() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("resetpage: Config."+format, args...))
		}
	}
	fault(strings.TrimSpace(c.ClientID) == "", "ClientID is missing")
	fault(len(c.Secret.Reveal()) < minSecret, "Secret has %d bytes, must have at least %d", len(c.Secret.Reveal()), minSecret)
	for i, s := range c.OldSecrets {
		fault(len(s.Reveal()) < minSecret, "OldSecrets[%d] has %d bytes, must have at least %d", i, len(s.Reveal()), minSecret)
	}
	fault(!validPath(c.Path), "Path is %q, must be like \"/reset-password\"", c.Path)
	for _, r := range c.Countries {
		fault(callingCode(r) == 0, "Countries: %q is not an ISO 3166-1 region with phone numbers", r)
	}
	fault(!slices.Contains(c.Countries, c.DefaultRegion), "DefaultRegion %q is not among Countries", c.DefaultRegion)
	fault(c.CodeDigits < 4 || c.CodeDigits > 10, "CodeDigits is %d, must be 4 to 10", c.CodeDigits)
	fault(c.PasswordMin < 8 || c.PasswordMin > 1024, "PasswordMin is %d, must be 8 to 1024", c.PasswordMin)
	fault(c.CodeLifetime < time.Second, "CodeLifetime is %s, must be at least 1s", c.CodeLifetime)
	fault(c.ResendAfter < 0, "ResendAfter is %s, must not be negative", c.ResendAfter)
	fault(c.Lifetime < time.Minute || c.Lifetime > time.Hour, "Lifetime is %s, must be 1m to 1h", c.Lifetime)
	fault(!validLink(c.SignInURL), "SignInURL is %q, must be a path or an http or https URL", c.SignInURL)
	fault(!validLink(c.HelpURL, "mailto", "tel"), "HelpURL is %q, must be a path or an http, https, mailto or tel URL", c.HelpURL)
	fault(len(c.Logo) > maxLogo, "Logo has %d bytes, may have %d", len(c.Logo), maxLogo)
	fault(len(c.Logo) > 0 && imageType(c.Logo) == "", "Logo is not an image in SVG, PNG, WebP, JPEG or GIF")
	fault(!accentColour.MatchString(c.Accent), "Accent is %q, must be like \"#0a6b63\"", c.Accent)
	fault(c.Captcha != nil && c.Counter == nil, "Counter is missing, but Captcha is set")
	if err := challenges.Check(c.ChallengesPerAddress); err != nil {
		fault(true, "ChallengesPerAddress: %w", err)
	}
	fault(!utf8.ValidString(c.ServiceName), "ServiceName is not UTF-8")
	for _, l := range c.Languages {
		_, err := language.Parse(l)
		fault(err != nil, "Languages: %q is not a BCP 47 language", l)
	}
	return errors.Join(errs...)
}

var (
	accentColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	pathSegment  = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

func validPath(p string) bool {
	if p == "/" {
		return true
	}
	if !strings.HasPrefix(p, "/") {
		return false
	}
	for segment := range strings.SplitSeq(p[1:], "/") {
		if segment == "." || segment == ".." || !pathSegment.MatchString(segment) {
			return false
		}
	}
	return true
}

// validLink reports whether a link is an allowed URL or a path of this host. It refuses
// "//host" and "/\host", which look like paths but lead to other hosts.
func validLink(link string, schemes ...string) bool {
	if link == "" {
		return true
	}
	u, err := url.Parse(link)
	if err != nil || strings.Contains(link, `\`) {
		return false
	}
	switch {
	case u.Scheme == "http", u.Scheme == "https":
		return u.Host != ""
	case u.Scheme == "":
		return u.Host == "" && strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "//")
	}
	return slices.Contains(schemes, u.Scheme)
}

// connection returns the address of the other end of the connection, or the zero address
// if it has none, as on a Unix socket.
func connection(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
