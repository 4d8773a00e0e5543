package httpadapter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// log logs the request, and the cause of a failure of the server.
func (x *exchange) log(status int, refused *refusal) {
	var code string
	if refused != nil {
		code = refused.code()
	}
	address := ""
	if a := x.proxies.address(x.r); a != (netip.Addr{}) {
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
	if h, ok := errors.AsType[*identity.HookError](refused.cause); ok {
		message = "request failed by a hook"
		attrs = append(attrs, slog.String("hook", h.Hook))
	}
	if p, ok := errors.AsType[*panicError](refused.cause); ok {
		attrs = append(attrs, slog.String("stack", p.stack))
	}
	x.record(level, message, attrs)
}

// record logs in UTC, in any time zone of the process.
func (x *exchange) record(level slog.Level, message string, attrs []slog.Attr) {
	ctx := context.WithoutCancel(x.r.Context())
	logs := x.options.Logger.Handler()
	if !logs.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(time.Now().UTC(), level, message, 0)
	record.AddAttrs(attrs...)
	_ = logs.Handle(ctx, record) // a failure of the log cannot be logged
}

// recover answers a request whose handling panicked. Otherwise net/http would break the
// connection and log the panic's value.
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
	x.answer(nil, refuseFailure(newPanicError(value)))
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
