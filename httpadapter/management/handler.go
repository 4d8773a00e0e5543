package management

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/jsonbody"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// Config is what the management API is built from. Tokens is mandatory.
type Config struct {
	// Tokens are the bearer tokens that are accepted. Mandatory, see [TokenFile].
	Tokens TokenSource

	// CheckUsers looks through the users and reports what is wrong with their rows, as
	// CheckUsers of a store of storage/bunstore does; the report is encoded as JSON. If
	// nil, the call is answered 501.
	CheckUsers func(context.Context) (any, error)

	// Metrics answers GET /metrics, for tokens with [ScopeReadMetrics], such as a
	// handler of Prometheus text. It is asked after the checks of every call and sets
	// status and Content-Type. If nil, the call is answered 501.
	Metrics http.Handler

	// Settle is how old an event or a message must be before a list has it. Choose it
	// above [identity.Config.StorageTimeout] plus the difference of your servers'
	// clocks. Default 15 s; -1 for none, for tests.
	Settle time.Duration
	// MaxBodyBytes bounds the body of a request. Default 16,384.
	MaxBodyBytes int64
	// Logger gets one record for each call, with the token's name, and the causes of
	// failures. Nil discards.
	Logger *slog.Logger
}

// service is the part of [identity.Service] that the handler needs.
type service interface {
	Authenticate(context.Context, identity.LoginRequest) (identity.User, error)
	VerifyPassword(context.Context, identity.User, identity.LoginRequest) (identity.User, error)
	ChangePassword(context.Context, identity.ChangePasswordRequest) (identity.User, error)
	SetPassword(ctx context.Context, tenant, userID string, password identity.Secret) (identity.User, error)
	PrepareUser(context.Context, identity.NewUser) (identity.User, error)
	CreateUser(context.Context, identity.NewUser) (identity.User, error)
	UserByID(ctx context.Context, tenant, id string) (identity.User, error)
	UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error)
	Users(ctx context.Context, tenant, afterID string, max int) ([]identity.User, error)
	UpdateUser(context.Context, identity.UserChange) error
	DeleteUser(ctx context.Context, tenant, id string) error
	Unlock(ctx context.Context, tenant, mobile string) error
	RegisterClient(context.Context, identity.Client) error
	Client(ctx context.Context, id string) (identity.Client, error)
	Clients(ctx context.Context, afterID string, max int) ([]identity.Client, error)
	SetClientDisabled(ctx context.Context, id string, disabled bool) error
	DeleteClient(ctx context.Context, id string) error
	SendVerifyCode(context.Context, identity.SendRequest) error
	RedeemVerifyCode(context.Context, identity.RedeemRequest) (identity.Redeemed, error)
	Events(context.Context, audit.Query) ([]audit.Event, error)
	Messages(ctx context.Context, afterID string, max int) ([]outbox.Message, error)
	Now() time.Time
}

type handler struct {
	service service
	cfg     Config
	routes  []route
	// clock returns the time that ids are compared with, see settled.
	clock func() time.Time
}

// New returns the handler of the management API. It reports all faults of its
// arguments together. The handler is safe for concurrent use and starts no
// goroutine.
func New(svc *identity.Service, cfg Config) (http.Handler, error) {
	var faults []error
	if svc == nil {
		faults = append(faults, errors.New("management: no service given"))
	}
	if cfg.Tokens == nil {
		faults = append(faults, errors.New("management: Config.Tokens is missing"))
	}
	if cfg.MaxBodyBytes < 0 {
		faults = append(faults, errors.New("management: Config.MaxBodyBytes is negative"))
	}
	if cfg.Settle < 0 && cfg.Settle != -1 {
		faults = append(faults, errors.New("management: Config.Settle is negative and not -1"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return newHandler(svc, cfg), nil
}

func newHandler(svc service, cfg Config) *handler {
	if cfg.MaxBodyBytes == 0 {
		cfg.MaxBodyBytes = 16_384
	}
	if cfg.Settle == 0 {
		cfg.Settle = 15 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &handler{service: svc, cfg: cfg, clock: time.Now}
	h.routes = h.table()
	return h
}

// call is one request that is being handled.
type call struct {
	*handler
	start    time.Time
	w        http.ResponseWriter
	r        *http.Request
	route    *route
	token    Token
	id       string // the segment of the path that stands for {id}
	query    url.Values
	text     []byte // the body
	answered bool
}

// reply is the answer to a successful call. A nil body is an empty answer.
type reply struct {
	status int
	body   any
	// if not nil, writes the status and the body instead
	handler http.Handler
}

var done = reply{status: http.StatusNoContent}

func ok(body any) (reply, error) { return reply{status: http.StatusOK, body: body}, nil }

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{handler: h, start: time.Now(), w: w, r: r}
	defer c.recover()
	answer, err := c.serve()
	c.answer(answer, err)
}

// serve applies the checks in order. Of a request without a valid token, it reads only
// the first line and the headers.
func (c *call) serve() (reply, error) {
	if c.r.URL.EscapedPath() == pathOpenAPI {
		if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
			return reply{}, methodNotAllowed("GET, HEAD")
		}
		c.route = &route{pattern: pathOpenAPI}
		return ok(rawJSON(openAPI))
	}
	if err := c.authenticate(); err != nil {
		return reply{}, err
	}
	if err := c.find(); err != nil {
		return reply{}, err
	}
	if !c.token.allows(c.route.scope) {
		return reply{}, forbidden(c.route.scope)
	}
	if err := c.readQuery(); err != nil {
		return reply{}, err
	}
	if err := c.readBody(); err != nil {
		return reply{}, err
	}
	return c.route.do(c)
}

// longToken is the longest token that is hashed for a caller without a valid token.
const longToken = 512

func (c *call) authenticate() error {
	values := c.r.Header.Values("Authorization")
	if len(values) == 0 {
		return unauthorized(false)
	}
	// A repeated header is refused: a proxy may have checked the other value.
	scheme, presented, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || presented == "" || len(presented) > longToken {
		return unauthorized(true)
	}
	tokens, err := c.cfg.Tokens.Tokens()
	if err != nil {
		return failure(err)
	}
	var valid bool
	if c.token, valid = find(tokens, presented); !valid {
		return unauthorized(true)
	}
	return nil
}

func (c *call) readQuery() error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return invalid(detail{Parameter: "query", Detail: "is malformed"})
	}
	var faults []detail
	for name, values := range query {
		known := false
		for _, n := range c.route.query {
			known = known || n == name
		}
		switch {
		case name == "mobile":
			faults = append(faults, detail{Parameter: name, Detail: "numbers do not belong in a URL, because URLs appear in logs: use POST /v1/users/find"})
		case !known:
			if len(name) > longText {
				name = "query"
			}
			faults = append(faults, detail{Parameter: strings.ToValidUTF8(name, "\ufffd"), Detail: "is not a parameter of this call"})
		case len(values) > 1:
			faults = append(faults, detail{Parameter: name, Detail: "occurs more than once"})
		case len(values[0]) > longText || !plain(values[0]):
			faults = append(faults, detail{Parameter: name, Detail: "is too long, or contains characters that are not allowed"})
		}
		if len(faults) == 16 {
			break
		}
	}
	if len(faults) > 0 {
		return invalid(faults...)
	}
	c.query = query
	return nil
}

func (c *call) readBody() error {
	if !c.route.hasBody() {
		return nil
	}
	if !jsonbody.AcceptedType(c.r.Header.Values("Content-Type")) {
		return unsupportedMediaType("Content-Type")
	}
	if !jsonbody.AcceptedEncoding(c.r.Header.Values("Content-Encoding")) {
		return unsupportedMediaType("Content-Encoding")
	}
	if c.r.ContentLength > c.cfg.MaxBodyBytes {
		return tooLarge()
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, c.cfg.MaxBodyBytes))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return tooLarge()
	}
	if err != nil {
		return invalid(detail{Pointer: "#", Detail: "the body broke off"})
	}
	c.text = text
	return nil
}

func (c *call) ctx() context.Context { return c.r.Context() }

// body declares the fields of the call.
func (c *call) body(names ...string) (*body, error) { return newBody(c.text, names...) }
