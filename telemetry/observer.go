package telemetry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-16109ab2/rekey/identity/observe"
)

const scope = "github.com/seed-16109ab2/rekey/telemetry"

// Observer implements [observe.Observer]. It is safe for concurrent use.
type Observer struct {
	meter  metric.Meter
	tracer trace.Tracer

	events, limits, busy, receipts, faults, retries     metric.Int64Counter
	delivery, deliveryWait, hash, hashWait, storageCall metric.Float64Histogram
}

// Bounds of durations in seconds: the hash is tens of milliseconds, a provider seconds,
// and a message may wait minutes.
var (
	shortBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	longBounds  = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
)

// New makes an observer. The tracer provider may be nil: then there are no spans.
// Errors: a nil meter provider, and those of creating instruments.
func New(meters metric.MeterProvider, tracers trace.TracerProvider) (*Observer, error) {
	if meters == nil {
		return nil, errors.New("telemetry: no meter provider given")
	}
	o := &Observer{meter: meters.Meter(scope)}
	if tracers != nil {
		o.tracer = tracers.Tracer(scope)
	}
	var faults []error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := o.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		faults = append(faults, err)
		return c
	}
	histogram := func(name, description string, bounds []float64) metric.Float64Histogram {
		h, err := o.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(bounds...))
		faults = append(faults, err)
		return h
	}
	o.events = counter("rekey.events", "{event}", "Events of the audit trail.")
	o.limits = counter("rekey.limit.refusals", "{request}", "Requests that a limit refused.")
	o.busy = counter("rekey.busy", "{request}", "Requests that were turned away because of load.")
	o.receipts = counter("rekey.receipts", "{message}", "Providers' reports on messages that they accepted.")
	o.retries = counter("rekey.storage.retries", "{retry}", "Steps of storage that were run again.")
	o.faults = counter("rekey.faults", "{fault}", "Failures of storage steps and hooks.")
	o.delivery = histogram("rekey.delivery.duration", "How long a provider took to accept or refuse a message.", longBounds)
	o.deliveryWait = histogram("rekey.delivery.wait", "How long a message waited before it was handed to a provider.", longBounds)
	o.hash = histogram("rekey.hash.duration", "How long a password hash took.", shortBounds)
	o.hashWait = histogram("rekey.hash.wait", "How long a caller waited for its hash.", shortBounds)
	o.storageCall = histogram("rekey.storage.duration", "How long a storage call took.", shortBounds)
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return o, nil
}

// Observe implements [observe.Observer].
func (o *Observer) Observe(ctx context.Context, seen observe.Observation) {
	var attributes []attribute.KeyValue
	add := func(key, value string) {
		if value != "" {
			attributes = append(attributes, attribute.String(key, value))
		}
	}
	add("rekey.purpose", seen.Purpose)
	add("rekey.country", seen.Country)
	add("rekey.provider", seen.Provider)
	with := func() metric.MeasurementOption { return metric.WithAttributeSet(attribute.NewSet(attributes...)) }
	switch seen.Kind {
	case observe.KindEvent:
		event, outcome, _ := strings.Cut(seen.Outcome, "/")
		add("rekey.event", event)
		add("rekey.outcome", outcome)
		o.events.Add(ctx, 1, with())
	case observe.KindLimit:
		add("rekey.limit", seen.Outcome)
		o.limits.Add(ctx, 1, with())
	case observe.KindBusy:
		add("rekey.queue", seen.Outcome)
		o.busy.Add(ctx, 1, with())
	case observe.KindReceipt:
		add("rekey.outcome", seen.Outcome)
		o.receipts.Add(ctx, 1, with())
	case observe.KindRetry:
		add("rekey.reason", seen.Outcome)
		o.retries.Add(ctx, 1, with())
	case observe.KindFault:
		add("rekey.step", seen.Outcome)
		o.faults.Add(ctx, 1, with())
	case observe.KindDelivery:
		add("rekey.message", seen.Operation)
		add("rekey.outcome", seen.Outcome)
		if seen.Outcome != "accepted" {
			add("error.type", seen.Outcome)
		}
		o.delivery.Record(ctx, seen.Took.Seconds(), with())
		o.deliveryWait.Record(ctx, seen.Waited.Seconds(), with())
		o.span(ctx, "rekey deliver "+seen.Operation, trace.SpanKindClient, seen.Took, attributes, seen.Outcome != "accepted")
	case observe.KindHash:
		o.hash.Record(ctx, seen.Took.Seconds())
		o.hashWait.Record(ctx, seen.Waited.Seconds())
		o.span(ctx, "rekey hash", trace.SpanKindInternal, seen.Took, nil, false)
	case observe.KindStorage:
		add("db.operation.name", seen.Operation)
		if seen.Outcome != "ok" {
			add("error.type", seen.Outcome)
		}
		o.storageCall.Record(ctx, seen.Took.Seconds(), with())
		if trace.SpanContextFromContext(ctx).IsValid() { // within a traced request only, so polling makes no spans
			o.span(ctx, "rekey storage "+seen.Operation, trace.SpanKindClient, seen.Took, attributes, seen.Outcome != "ok")
		}
	}
}

// span records a span for something that has just ended.
func (o *Observer) span(ctx context.Context, name string, kind trace.SpanKind, took time.Duration, attributes []attribute.KeyValue, failed bool) {
	if o.tracer == nil {
		return
	}
	now := time.Now()
	_, span := o.tracer.Start(ctx, name, trace.WithTimestamp(now.Add(-took)), trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	if failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(now))
}
