package httpadapter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// service is what the handler needs of [identity.Service].
type service interface {
	SendVerifyCode(context.Context, identity.SendRequest) error
	ResetByMobile(context.Context, identity.ResetRequest) error
}

// New returns the handler of the documented routes. It reports all faults of
// its arguments together, and copies what the options point to, except for the
// logger. The handler is safe for concurrent use and keeps no state.
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
	h := &handler{service: svc, options: opts, messages: messages}
	h.routes = map[string]route{
		opts.Prefix + pathSend:  {pathSend, h.send},
		opts.Prefix + pathReset: {pathReset, h.reset},
	}
	return h, nil
}

const (
	pathSend  = "/api/v2/sdk/sms/send"
	pathReset = "/api/v2/sdk/pwd/update-by-mobile"
)

type handler struct {
	service  service
	options  Options
	messages *translator
	routes   map[string]route // by escaped path
}

type route struct {
	name string
	call func(context.Context, identity.Caller, []byte) *refusal
}

func (h *handler) send(ctx context.Context, c identity.Caller, body []byte) *refusal {
	b, r := decodeSend(body)
	if r != nil {
		return r
	}
	return refuse(h.service.SendVerifyCode(ctx, identity.SendRequest{
		Caller: c, Mobile: b.mobile, Purpose: identity.Purpose(b.purpose), CaptchaToken: b.captchaToken,
	}))
}

func (h *handler) reset(ctx context.Context, c identity.Caller, body []byte) *refusal {
	b, r := decodeReset(body)
	if r != nil {
		return r
	}
	return refuse(h.service.ResetByMobile(ctx, identity.ResetRequest{
		Caller: c, Mobile: b.mobile, Code: b.code, Password: b.password,
	}))
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchange{handler: h, start: time.Now(), w: w, r: r}
	defer x.recover()
	x.answer(x.serve())
}

// exchange is one request on its way.
type exchange struct {
	*handler
	start    time.Time
	w        http.ResponseWriter
	r        *http.Request
	route    route
	answered bool
}

// serve applies the checks in their documented order, and returns nil for success.
func (x *exchange) serve() *refusal {
	var ok bool
	if x.route, ok = x.routes[x.r.URL.EscapedPath()]; !ok {
		return refusePath()
	}
	if x.r.Method != http.MethodPost {
		return refuseMethod()
	}
	if !acceptedContentType(x.r.Header.Values("Content-Type")) {
		return refuseContentType()
	}
	body, refused := x.read(x.w, x.r)
	if refused != nil {
		return refused
	}
	caller, refused := x.caller(x.r)
	if refused != nil {
		return refused
	}
	return x.route.call(x.r.Context(), caller, body)
}

// answer writes and logs. Nothing in it depends on anything but the refusal and
// the language, so that equal refusals are equal bytes.
func (x *exchange) answer(refused *refusal) {
	x.answered = true
	header := x.w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if refused == nil {
		header.Set("Content-Length", "0")
		x.w.WriteHeader(http.StatusOK)
		x.log(http.StatusOK, nil)
		return
	}
	status := refused.status
	if x.options.RefusalsAs400 {
		status = refused.lenient()
	}
	if refused.allow != "" {
		header.Set("Allow", refused.allow)
	}
	if refused.retryAfter > 0 {
		header.Set("Retry-After", refused.retrySeconds())
	}
	if refused.closing {
		header.Set("Connection", "close")
	}
	body := errorBody(refused.code(), x.messages.text(x.messages.language(single(x.r, headerLanguage)), refused))
	header.Set("Content-Type", "application/json;charset=utf8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // the caller may have left
	x.log(status, refused)
}

func errorBody(code, message string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// Strings always encode, and a Buffer takes all writes.
	_ = enc.Encode(struct {
		Code    string `json:"error_code"`
		Message string `json:"error_msg"`
	}{code, message})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// log writes the attempt, and the cause of a failure of our own.
func (x *exchange) log(status int, refused *refusal) {
	var code string
	if refused != nil {
		code = refused.code()
	}
	address := ""
	if a := x.address(x.r); a != (netip.Addr{}) {
		address = a.String()
	}
	attrs := []slog.Attr{
		slog.String("route", x.route.name), // empty for unknown paths, which may hold anything
		slog.Int("status", status),
		slog.String("error_code", code),
		slog.String("client", single(x.r, headerClient)),
		slog.String("address", address),
		slog.String("language", single(x.r, headerLanguage)),
		slog.Duration("duration", time.Since(x.start)),
	}
	x.record(slog.LevelInfo, "request answered", attrs)
	if refused == nil || refused.cause == nil {
		return
	}
	level, message := slog.LevelError, "request failed"
	if x.r.Context().Err() != nil {
		level, message = slog.LevelInfo, "request given up by its caller"
	}
	attrs = append(attrs, slog.String("error", refused.cause.Error()))
	if p, ok := errors.AsType[*panicError](refused.cause); ok {
		attrs = append(attrs, slog.String("stack", p.stack))
	}
	x.record(level, message, attrs)
}

// record logs in UTC, whatever the process's time zone.
func (x *exchange) record(level slog.Level, message string, attrs []slog.Attr) {
	ctx := context.WithoutCancel(x.r.Context())
	logs := x.options.Logger.Handler()
	if !logs.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(time.Now().UTC(), level, message, 0)
	record.AddAttrs(attrs...)
	_ = logs.Handle(ctx, record) // there is nobody to tell
}

// recover answers for a panic, which otherwise breaks the connection and has
// net/http log the panic's value.
func (x *exchange) recover() {
	value := recover()
	if value == nil {
		return
	}
	if value == http.ErrAbortHandler {
		panic(value)
	}
	if x.answered {
		return // a broken logger must not take back the answer
	}
	x.answer(refuseFailure(newPanicError(value)))
}

// panicError is a panic without its value, which may hold what the caller sent.
type panicError struct {
	kind, stack string
}

func newPanicError(value any) *panicError {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	var stack strings.Builder
	for {
		frame, more := frames.Next()
		fmt.Fprintf(&stack, "%s\n\t%s:%d\n", frame.Function, frame.File, frame.Line)
		if !more {
			break
		}
	}
	return &panicError{kind: fmt.Sprintf("%T", value), stack: stack.String()}
}

func (e *panicError) Error() string { return "panic with a value of type " + e.kind }
