package telemetry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/sms/failover"
	"github.com/seed-16109ab2/rekey/telemetry"
)

// collect returns every data point as text: name, attributes and value.
func collect(t *testing.T, reader *metric.ManualReader) (points []string) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	for _, s := range all.ScopeMetrics {
		for _, m := range s.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					points = append(points, fmt.Sprint(m.Name, " ", p.Attributes.Encoded(encoder{}), " ", p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					points = append(points, fmt.Sprint(m.Name, " ", p.Attributes.Encoded(encoder{}), " ", p.Value))
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					points = append(points, fmt.Sprint(m.Name, " ", p.Attributes.Encoded(encoder{}), " ", p.Count))
				}
			}
		}
	}
	return points
}

func TestTelemetry(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	spans := tracetest.NewInMemoryExporter()
	tracers := trace.NewTracerProvider(trace.WithSyncer(spans))
	observer, err := telemetry.New(metric.NewMeterProvider(metric.WithReader(reader)), tracers)
	if err != nil {
		t.Fatal(err)
	}
	f := identitytest.New(t, func(c *identity.Config) { c.Observer = observer })
	stop, err := observer.Watch(f.Service, func() []failover.Counts { return []failover.Counts{{Name: "one", State: "open", Skipped: 7}} })
	if err != nil {
		t.Fatal(err)
	}
	f.User("12345678901", "violet-Harbor-93")
	ctx, span := tracers.Tracer("test").Start(t.Context(), "request")
	send := identity.SendRequest{Caller: f.Caller(), Mobile: "12345678901", Purpose: identity.PurposeForgotPassword}
	if err := f.SendVerifyCode(ctx, send); err != nil {
		t.Fatal(err)
	}
	if err := f.SendVerifyCode(ctx, send); err == nil {
		t.Fatal("no limit")
	}
	code := f.Code("+8612345678901")
	err = f.ResetByMobile(ctx, identity.ResetRequest{Caller: f.Caller(), Mobile: "12345678901", Code: identity.NewSecret(code), Password: identity.NewSecret("marble-Lantern-58")})
	span.End()
	if err != nil {
		t.Fatal(err)
	}
	observer.Observe(t.Context(), observe.Observation{Kind: observe.KindRetry, Outcome: "aborted"})
	points := collect(t, reader)
	all := strings.Join(points, "\n")
	for _, want := range []string{
		"rekey.events rekey.country=CN,rekey.event=code.sent,rekey.outcome=queued,rekey.purpose=FORGET_PWD_SMS 1",
		"rekey.events rekey.country=CN,rekey.event=password.reset,rekey.provider=recorder,rekey.purpose=FORGET_PWD_SMS 1",
		"rekey.limit.refusals rekey.limit=", "rekey.delivery.duration rekey.country=CN,rekey.message=verify_code,rekey.outcome=accepted",
		"rekey.hash.wait  ", "rekey.storage.duration db.operation.name=RedeemCode 1", "rekey.outbox.late rekey.lane=code 0",
		"rekey.budget.used  0.00", "rekey.provider.breaker.open rekey.provider=one 1", "rekey.provider.skipped rekey.provider=one 7", "rekey.hash.waiting  0",
		"rekey.storage.retries rekey.reason=aborted 1",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	children := 0
	for _, s := range spans.GetSpans() {
		all += "\n" + s.Name + fmt.Sprint(s.Attributes)
		if s.Name == "rekey storage RedeemCode" && s.Parent.SpanID() == span.SpanContext().SpanID() {
			children++
		}
	}
	if children != 1 {
		t.Errorf("%d spans of the commit below the request, want 1", children)
	}
	for _, canary := range []string{"8901", code, f.Caller().Device, "192.0.2.1", identitytest.ClientID} {
		if strings.Contains(all, canary) {
			t.Errorf("%q is in a label or a span", canary)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if points := strings.Join(collect(t, reader), "\n"); strings.Contains(points, "rekey.budget.used") {
		t.Error("gauges after stop")
	}
	if _, err := telemetry.New(nil, nil); err == nil {
		t.Error("no meter provider and no error")
	}
}
