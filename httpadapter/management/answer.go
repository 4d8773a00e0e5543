package management

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// rawJSON is a response body that is already encoded as JSON.
type rawJSON []byte

// answer writes the response and logs the call.
func (c *call) answer(answer reply, err error) {
	header := c.w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if err == nil && answer.handler != nil {
		w := &statusWriter{ResponseWriter: c.w, status: http.StatusOK}
		answer.handler.ServeHTTP(w, c.r)
		c.answered = true
		c.log(w.status, nil)
		return
	}
	c.answered = true
	status, media := answer.status, "application/json"
	var text []byte
	var refused *problem
	if err != nil {
		refused = problemOf(err)
		status, media = refused.Status, "application/problem+json"
		for name, values := range refused.header {
			header[name] = values
		}
		text = encode(refused)
	} else if raw, ok := answer.body.(rawJSON); ok {
		text = raw
	} else if answer.body != nil {
		text = encode(answer.body)
	}
	if len(text) > 0 {
		header.Set("Content-Type", media)
		header.Set("Content-Length", strconv.Itoa(len(text)))
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(text) // the caller may have left
	c.log(status, refused)
}

// statusWriter keeps the status for the log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// encode encodes a value whose encoding cannot fail.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a Buffer takes all writes
	return b.Bytes()
}

func (c *call) log(status int, refused *problem) {
	pattern, code := "", "" // an unknown path may contain anything, so it is not logged
	if c.route != nil {
		pattern = c.route.pattern
	}
	if refused != nil {
		code = refused.Code
	}
	address, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		address = "" // a caller on a Unix socket has none
	}
	attrs := []slog.Attr{
		slog.String("method", method(c.r.Method)), slog.String("route", pattern), slog.String("token", c.token.Name),
		slog.Int("status", status), slog.String("code", code), slog.String("address", address),
		slog.Duration("duration", time.Since(c.start)),
	}
	ctx := context.WithoutCancel(c.r.Context())
	c.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "management call answered", attrs...)
	if refused == nil || refused.cause == nil {
		return
	}
	if c.r.Context().Err() != nil {
		c.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "management call given up by its caller", attrs...)
		return
	}
	c.cfg.Logger.LogAttrs(ctx, slog.LevelError, "management call failed", append(attrs, slog.String("error", refused.cause.Error()))...)
}

// method returns the method for the log. A caller may send any word as the method, so
// unknown ones are not logged.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete:
		return m
	}
	return "other"
}

// recover answers a call that panicked. It does not log the panic's value, which may
// contain what the caller sent.
func (c *call) recover() {
	value := recover()
	if value == nil {
		return
	}
	if value == http.ErrAbortHandler {
		panic(value)
	}
	if c.answered {
		return // a logger that panics must not change the answer
	}
	c.answer(reply{}, failure(fmt.Errorf("panic with a value of type %T\n%s", value, debug.Stack())))
}
