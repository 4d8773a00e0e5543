// Package telemetry turns what [identity.Service] does into OpenTelemetry metrics and
// spans. It is a module of its own: programs that do not import it do not download
// OpenTelemetry.
//
// # Usage
//
//	observer, err := telemetry.New(meterProvider, tracerProvider)
//	svc, err := identity.New(identity.Config{Observer: observer, /* … */})
//	stop, err := observer.Watch(svc, sender.Counts) // gauges; sender is a failover.Sender, or nil
//
// The package depends on OpenTelemetry's API alone; the providers decide what becomes
// of it, such as Prometheus text or OTLP. Nothing is registered globally.
//
// docs/operating.md lists the metrics. No attribute holds a number, code, device,
// address, tenant, client or user.
package telemetry
