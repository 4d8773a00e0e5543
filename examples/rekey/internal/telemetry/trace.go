package telemetry

import (
	"net/http"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// serviceName is the name that the collector shows, unless the environment sets another
// name.
func serviceName() []attribute.KeyValue {
	if os.Getenv("OTEL_SERVICE_NAME") != "" {
		return nil
	}
	return []attribute.KeyValue{attribute.String("service.name", "rekey")}
}

// Trace makes a span of each request, with the spans of its storage calls and hashes
// below it. The span names no path, address or header: these contain ids, numbers and
// text that a stranger chose. The trace id that a caller sends is not used, because
// callers could then choose what is sampled.
func (t *Telemetry) Trace(listener string, next http.Handler) http.Handler {
	if t.tracer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := t.tracer.Start(r.Context(), "HTTP "+method(r.Method), trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", method(r.Method)), attribute.String("rekey.listener", listener)))
		defer span.End()
		answered := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answered, r.WithContext(ctx))
		span.SetAttributes(attribute.Int("http.response.status_code", answered.status))
		if answered.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	})
}

// method returns the request's method if it is a served one, and otherwise
// OpenTelemetry's word for other methods.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "_OTHER"
}

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
