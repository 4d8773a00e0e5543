package httpadapter

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/text/language"

	"github.com/seed-16109ab2/rekey/identity"
)

// CallerOptions say how a [CallerSource] reads requests.
type CallerOptions struct {
	// ClientID is the registered application that your pages belong to, for
	// [CallerSource.FromPage].
	ClientID string

	// TrustedProxies, TrustUnixSocket and AddressHeader: see [Options].
	TrustedProxies  []netip.Prefix
	TrustUnixSocket bool
	AddressHeader   string

	// InsecureCookie sends the device's cookie over plain HTTP, for development. An
	// attacker on the network can then read it, and another host of the site can set it.
	// Default off: the cookie has Secure and the __Host- prefix, so browsers keep it only
	// over HTTPS or on localhost.
	InsecureCookie bool
}

// CallerSource finds out who sends a request, for your own routes that call the
// service. It is safe for concurrent use.
type CallerSource struct {
	client  string
	proxies proxies
	cookie  deviceCookie
}

// NewCallerSource returns a CallerSource, or an error that joins all faults of the
// options.
func NewCallerSource(opts CallerOptions) (*CallerSource, error) {
	p := proxies{networks: opts.TrustedProxies, unixSocket: opts.TrustUnixSocket, header: opts.AddressHeader}.clone()
	if err := p.check("CallerOptions"); err != nil {
		return nil, err
	}
	return &CallerSource{client: opts.ClientID, proxies: p, cookie: deviceCookie{insecure: opts.InsecureCookie}}, nil
}

// Address returns the address that limits count by: the address of the connection, or
// the address that a trusted proxy reports. It is the zero address if there is none.
func (s *CallerSource) Address(r *http.Request) netip.Addr { return s.proxies.address(r) }

// FromHeaders reads the documented headers by the documented rules. Errors:
// [identity.ErrClientMissing], [identity.ErrDeviceMissing], and others that
// [WriteError] answers with 400.
func (s *CallerSource) FromHeaders(r *http.Request) (identity.Caller, error) {
	caller, refused := readCaller(r, s.proxies)
	if refused != nil {
		return identity.Caller{}, refused
	}
	return caller, nil
}

// FromPage reads the request of a web page: the device from its cookie, the
// language from Accept-Language (the first choice), and the agent from User-Agent.
//
// The cookie holds a random id for [identity.Caller.Device], to which a code is bound.
// It is HttpOnly and SameSite=Lax, lasts for 400 days from the last call, and is made if
// it is missing. Call FromPage already when you show the page: two requests at the same
// time without a cookie count as two devices, and a code that one of them asked for is
// refused to the other. Call it before you write to w. It sets Cache-Control: no-store,
// because a cache that kept the answer would give one device id to many people.
func (s *CallerSource) FromPage(w http.ResponseWriter, r *http.Request) identity.Caller {
	return identity.Caller{
		ClientID: s.client,
		Device:   s.cookie.device(w, r),
		Address:  s.proxies.address(r),
		Agent:    r.UserAgent(),
		Language: pageLanguage(r),
	}
}

// pageLanguage returns the browser's preferred language.
func pageLanguage(r *http.Request) string {
	accepted := r.Header.Get("Accept-Language")
	if len(accepted) > maxHeaderBytes {
		return ""
	}
	tags, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil || len(tags) == 0 || tags[0] == language.Und {
		return ""
	}
	return tags[0].String()
}

// standard translates with the shipped messages.
var standard = sync.OnceValue(func() *translator {
	t, err := newTranslator(nil, "en")
	if err != nil {
		panic(err) // the shipped messages are tested
	}
	return t
})

// Status returns the HTTP status with which the documented routes answer an error of the
// service or of [CallerSource.FromHeaders], and how long the caller should wait, or 0.
// The status is 401 for [identity.ErrWrongCredentials], 200 for nil, and 500 for an
// unknown error.
func Status(err error) (status int, retryAfter time.Duration) {
	refused := refuse(err)
	if refused == nil {
		return http.StatusOK, 0
	}
	return refused.status, refused.retryAfter
}

// WriteError answers a request with an error of the service or of
// [CallerSource.FromHeaders] as the documented routes do: status, Retry-After in
// whole seconds, and the body of error_code and error_msg, in the language that X-L or
// Accept-Language asks for. An unknown error, or nil, is answered as a failure of the
// server that says nothing of its cause: log it.
//
// [identity.ErrWrongCredentials], which no documented route returns, is answered 401
// with the error_code REKEY.0001.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	refused := refuse(err)
	if refused == nil {
		refused = refuseFailure(nil)
	}
	asked := single(r, headerLanguage)
	if asked == "" {
		asked = pageLanguage(r)
	}
	refused.headers(w.Header(), r)
	write(w, refused.status, standard().body(standard().language(asked), refused))
}
