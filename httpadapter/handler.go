package httpadapter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/jsonbody"
	"github.com/seed-16109ab2/rekey/identity"
)

// service is what the handler needs of [identity.Service].
type service interface {
	SendVerifyCode(context.Context, identity.SendRequest) error
	ResetByMobile(context.Context, identity.ResetRequest) error
	Countries() []string
	DefaultRegion() string
	Now() time.Time
}

// New returns the handler of the documented routes, or an error that joins all faults of
// its arguments. It copies what the options point to, except for the logger. The handler
// is safe for concurrent use and keeps no state.
func New(svc *identity.Service, opts Options) (http.Handler, error) {
	if svc == nil {
		_, err := newHandler(nil, opts)
		return nil, errors.Join(errors.New("httpadapter: no service given"), err)
	}
	h, err := newHandler(svc, opts)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func newHandler(svc service, opts Options) (*handler, error) {
	opts.fill()
	messages, err := newTranslator(opts.Messages, opts.DefaultLanguage)
	if err := errors.Join(opts.check(), err); err != nil {
		return nil, err
	}
	h := &handler{service: svc, options: opts, proxies: opts.proxies(), messages: messages, origins: make(map[string]bool), routes: make(map[string]route)}
	for _, origin := range opts.AllowedOrigins {
		h.origins[origin] = true
	}
	for _, r := range []route{
		{pathSend, methodsPost, h.send},
		{pathReset, methodsPost, h.reset},
		{pathCountries, methodsGet, h.countryCodes},
		{pathDate, methodsGet, h.serverDate},
	} {
		h.routes[opts.Prefix+r.name] = r
	}
	if opts.ServeOpenAPI {
		h.routes[opts.Prefix+pathOpenAPI] = route{pathOpenAPI, methodsGet, nil}
	}
	for _, r := range opts.Routes {
		if _, taken := h.routes[opts.Prefix+r.Path]; taken {
			return nil, fmt.Errorf("httpadapter: Options.Routes: %s exists already", r.Path)
		}
		h.routes[opts.Prefix+r.Path] = r.route()
	}
	return h, nil
}

// The paths of the routes, below the prefix.
const (
	pathSend      = "/api/v2/sdk/sms/send"
	pathReset     = "/api/v2/sdk/pwd/update-by-mobile"
	pathCountries = "/api/v2/sdk/country-codes"
	pathDate      = "/api/v2/sdk/server-date"
	pathOpenAPI   = "/openapi.json"
)

// Values of the Allow header.
const (
	methodsPost = http.MethodPost
	methodsGet  = http.MethodGet + ", " + http.MethodHead
)

type handler struct {
	service  service
	options  Options
	proxies  proxies
	messages *translator
	origins  map[string]bool
	routes   map[string]route // by escaped path
}

// route is a documented route. Its call gets the body of a POST and returns the body of
// the answer; zero bytes mean no body.
type route struct {
	name    string
	methods string
	call    func(context.Context, identity.Caller, []byte) ([]byte, *refusal)
}

func (h *handler) send(ctx context.Context, c identity.Caller, body []byte) ([]byte, *refusal) {
	b, r := decodeSend(body)
	if r != nil {
		return nil, r
	}
	return nil, refuse(h.service.SendVerifyCode(ctx, identity.SendRequest{
		Caller: c, Mobile: b.mobile, Purpose: identity.Purpose(b.purpose), CaptchaToken: b.captchaToken,
	}))
}

func (h *handler) reset(ctx context.Context, c identity.Caller, body []byte) ([]byte, *refusal) {
	b, r := decodeReset(body)
	if r != nil {
		return nil, r
	}
	return nil, refuse(h.service.ResetByMobile(ctx, identity.ResetRequest{
		Caller: c, Mobile: b.mobile, Code: b.code, Password: b.password,
	}))
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchange{handler: h, start: time.Now(), w: w, r: r, status: http.StatusOK}
	defer x.recover()
	x.answer(x.serve())
}

// exchange is one request and its answer.
type exchange struct {
	*handler
	start    time.Time
	w        http.ResponseWriter
	r        *http.Request
	route    route
	status   int // of success
	answered bool
}

// serve applies the checks in their documented order, and returns the answer's
// body on success.
func (x *exchange) serve() ([]byte, *refusal) {
	fromPage := x.crossOrigin()
	var ok bool
	if x.route, ok = x.routes[x.r.URL.EscapedPath()]; !ok {
		return nil, refusePath()
	}
	if fromPage && isPreflight(x.r) {
		x.preflightHeaders()
		x.status = http.StatusNoContent
		return nil, nil
	}
	if fromPage {
		x.w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
	var body []byte
	var refused *refusal
	switch {
	case x.route.methods == methodsGet && (x.r.Method == http.MethodGet || x.r.Method == http.MethodHead):
	case x.route.methods == methodsPost && x.r.Method == http.MethodPost:
		body, refused = x.document()
	default:
		refused = refuseMethod(x.route.methods)
	}
	if refused != nil {
		return nil, refused
	}
	if x.route.name == pathOpenAPI {
		return OpenAPI(x.options.Prefix, x.options.Routes...), nil // without the headers that it explains
	}
	caller, refused := readCaller(x.r, x.proxies)
	if refused != nil {
		return nil, refused
	}
	return x.route.call(x.r.Context(), caller, body)
}

// document returns the body of a request whose Content-Type is JSON.
func (x *exchange) document() ([]byte, *refusal) {
	if !jsonbody.AcceptedType(x.r.Header.Values("Content-Type")) {
		return nil, refuseContentType()
	}
	if !jsonbody.AcceptedEncoding(x.r.Header.Values("Content-Encoding")) {
		return nil, refuseEncoding()
	}
	return x.read(x.w, x.r)
}

// answer writes and logs the answer. A refusal depends only on its reason and the
// language, so that equal refusals are equal to the byte.
func (x *exchange) answer(body []byte, refused *refusal) {
	x.answered = true
	status := x.status
	if refused != nil {
		status = refused.status
		if x.options.RefusalsAs400 {
			status = refused.lenient()
		}
		body = x.messages.body(x.messages.language(single(x.r, headerLanguage)), refused)
		refused.headers(x.w.Header(), x.r)
	}
	write(x.w, status, body)
	x.log(status, refused)
}

// write answers with a body of JSON, or none.
func write(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if len(body) > 0 {
		header.Set("Content-Type", "application/json;charset=utf8")
	}
	if status != http.StatusNoContent {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have left
}

// headers sets the headers of a refusal of a request, in addition to those of all answers.
// It leaves HTTP/2 connections open, which other requests share.
func (r *refusal) headers(header http.Header, request *http.Request) {
	if r.allow != "" {
		header.Set("Allow", r.allow)
	}
	if r.retryAfter > 0 {
		header.Set("Retry-After", r.retrySeconds())
	}
	if r.closing && request.ProtoMajor < 2 {
		header.Set("Connection", "close")
	}
}

// body returns the body of a refusal in a language, which is given by its number.
func (t *translator) body(lang int, r *refusal) []byte {
	return encode(struct {
		Code    string `json:"error_code"`
		Message string `json:"error_msg"`
	}{r.code(), t.text(lang, r)})
}

// encode encodes a value that always encodes.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a Buffer takes all writes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
