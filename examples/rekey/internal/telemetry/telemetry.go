package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/sms/failover"
	instruments "github.com/seed-16109ab2/rekey/telemetry"
)

// flushWithin is how long the last metrics and spans may take to be sent.
const flushWithin = 5 * time.Second

// Options are the settings of [Settings.Open] that are not flags.
type Options struct {
	Version    string
	Prometheus bool // whether a listener serves [Telemetry.Metrics]
	Logger     *slog.Logger
}

// Telemetry measures the service and exports the results. Its zero value measures
// nothing.
type Telemetry struct {
	observer *instruments.Observer
	metrics  http.Handler
	tracer   oteltrace.Tracer // nil if traces are not exported
	stop     []func(context.Context) error
}

// Open starts the configured exports. If none is configured, nothing is measured.
func (s *Settings) Open(ctx context.Context, o Options) (_ *Telemetry, err error) {
	t := &Telemetry{}
	if !o.Prometheus && s.Exported() == "" {
		return t, nil
	}
	defer func() {
		if err != nil {
			t.Close(ctx)
			err = fmt.Errorf("telemetry: %w", err)
		}
	}()
	otel.SetErrorHandler(&exportErrors{logger: o.Logger})
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithFromEnv(),
		resource.WithAttributes(attribute.String("service.version", o.Version)), resource.WithAttributes(serviceName()...))
	if err != nil {
		return t, err
	}
	meters, err := s.meters(ctx, t, about, o.Prometheus)
	if err != nil {
		return t, err
	}
	var tracers oteltrace.TracerProvider // nil makes no spans
	if s.exports(tracesVariable) {
		provider, err := s.tracers(ctx, about)
		if err != nil {
			return t, err
		}
		t.stop = append(t.stop, provider.Shutdown)
		t.tracer, tracers = provider.Tracer("github.com/seed-16109ab2/rekey/examples/rekey"), provider
	}
	t.observer, err = instruments.New(meters, tracers)
	return t, err
}

func (s *Settings) meters(ctx context.Context, t *Telemetry, about *resource.Resource, text bool) (*metric.MeterProvider, error) {
	options := []metric.Option{metric.WithResource(about)}
	if text {
		registry := prometheus.NewRegistry()
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
		if err != nil {
			return nil, err
		}
		options = append(options, metric.WithReader(reader))
		// The other metrics are needed most while the database is away.
		t.metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
	}
	if s.exports(metricsVariable) {
		var to []otlpmetrichttp.Option
		if s.endpoint != "" {
			to = append(to, otlpmetrichttp.WithEndpointURL(s.signalURL("/v1/metrics")))
		}
		exporter, err := otlpmetrichttp.New(ctx, to...)
		if err != nil {
			return nil, err
		}
		options = append(options, metric.WithReader(metric.NewPeriodicReader(exporter)))
	}
	provider := metric.NewMeterProvider(options...)
	t.stop = append(t.stop, provider.Shutdown)
	return provider, nil
}

func (s *Settings) tracers(ctx context.Context, about *resource.Resource) (*trace.TracerProvider, error) {
	var to []otlptracehttp.Option
	if s.endpoint != "" {
		to = append(to, otlptracehttp.WithEndpointURL(s.signalURL("/v1/traces")))
	}
	exporter, err := otlptracehttp.New(ctx, to...)
	if err != nil {
		return nil, err
	}
	return trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about)), nil
}

// Observer returns the observer for [identity.Config], or nil if nothing is measured.
func (t *Telemetry) Observer() observe.Observer {
	if t.observer == nil {
		return nil // not an interface that holds a nil pointer
	}
	return t.observer
}

// Metrics returns a handler that answers with Prometheus text, or nil if no listener
// serves it.
func (t *Telemetry) Metrics() http.Handler { return t.metrics }

// Watch makes the gauges of a service and, if its sender has breakers, of the breakers.
// Call it once.
func (t *Telemetry) Watch(service *identity.Service, sender any) error {
	if t.observer == nil {
		return nil
	}
	var counts func() []failover.Counts
	if several, ok := sender.(*failover.Sender); ok {
		counts = several.Counts
	}
	if _, err := t.observer.Watch(service, counts); err != nil { // until Close
		return fmt.Errorf("telemetry: %w", err)
	}
	return nil
}

// Close sends the remaining data, within five seconds, and ends the exports. Data that
// cannot be sent is lost, and the loss is logged. Further calls do nothing.
func (t *Telemetry) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
	defer cancel()
	for _, stop := range t.stop {
		if err := stop(ctx); err != nil {
			otel.Handle(err)
		}
	}
	t.stop = nil
}

// exportErrors logs failures of exports, each at most once a minute: while a collector
// is away, every batch fails.
type exportErrors struct {
	logger *slog.Logger

	mu     sync.Mutex
	logged time.Time
}

// Handle implements [otel.ErrorHandler].
func (e *exportErrors) Handle(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := time.Now(); now.Sub(e.logged) >= time.Minute {
		e.logged = now
		e.logger.Warn("telemetry failed", "error", err)
	}
}
