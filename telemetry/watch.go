package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms/failover"
)

// Watch makes gauges of how busy the service is and, unless providers is nil, of the
// providers' breakers; [failover.Sender.Counts] is such a function. They are read at
// each collection. Call stop when the service ends. Errors: those of creating
// instruments.
func (o *Observer) Watch(svc *identity.Service, providers func() []failover.Counts) (stop func() error, err error) {
	var faults []error
	gauge := func(name, unit, description string) metric.Float64ObservableGauge {
		g, err := o.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		faults = append(faults, err)
		return g
	}
	waiting := gauge("rekey.hash.waiting", "{request}", "Callers of this process that wait for a hash.")
	pending := gauge("rekey.outbox.pending", "{message}", "Messages that wait, by lane.")
	late := gauge("rekey.outbox.late", "s", "How long the oldest message of a lane has been due.")
	budget := gauge("rekey.budget.used", "1", "The share of the total SMS budget that is used up.")
	open := gauge("rekey.provider.breaker.open", "1", "1 while the breaker keeps messages from a provider.")
	skipped, err := o.meter.Int64ObservableCounter("rekey.provider.skipped", metric.WithUnit("{message}"), metric.WithDescription("Messages that a provider did not get because its breaker was open."))
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	registration, err := o.meter.RegisterCallback(func(ctx context.Context, to metric.Observer) error {
		load, err := svc.Load(ctx)
		to.ObserveFloat64(waiting, float64(load.HashesWaiting))
		lanes := map[outbox.Lane]outbox.LaneLoad{outbox.LaneCode: {}, outbox.LaneNotice: {}, outbox.LaneEvent: {}}
		for _, l := range load.Lanes {
			lanes[l.Lane] = l
		}
		if err == nil { // if storage is down, the gauge is missing instead of 0
			for name, l := range lanes {
				lane := metric.WithAttributes(attribute.String("rekey.lane", string(name)))
				to.ObserveFloat64(pending, float64(l.Pending), lane)
				to.ObserveFloat64(late, l.Late.Seconds(), lane)
			}
			to.ObserveFloat64(budget, load.BudgetUsed)
		}
		if providers != nil {
			for _, p := range providers() {
				name := metric.WithAttributes(attribute.String("rekey.provider", p.Name))
				state := 0.0
				if p.State == "open" {
					state = 1
				}
				to.ObserveFloat64(open, state, name)
				to.ObserveInt64(skipped, p.Skipped, name)
			}
		}
		return err
	}, waiting, pending, late, budget, open, skipped)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return registration.Unregister, nil
}
