// Package telemetry passes the service's observations to Prometheus and to an
// OpenTelemetry collector.
package telemetry

import (
	"net/url"
	"os"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

// The standard variables that turn an export on. The exporters read these and the other
// variables that begin with OTEL_EXPORTER_OTLP_ themselves.
const (
	endpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT"
	metricsVariable  = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
	tracesVariable   = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	protocolVariable = "OTEL_EXPORTER_OTLP_PROTOCOL"
)

// Settings say where metrics and traces go.
type Settings struct {
	endpoint string
	source   *settings.Set
}

// Flags defines -otlp-endpoint.
func (s *Settings) Flags(f *settings.Set) {
	s.source = f
	f.Text(&s.endpoint, "otlp-endpoint", "base `URL` of an OpenTelemetry collector that gets metrics and traces by OTLP over HTTP, such as http://127.0.0.1:4318; "+
		"the standard variables "+endpointVariable+", OTEL_EXPORTER_OTLP_HEADERS and so on count too; default: nothing is sent")
	f.Show("otlp-endpoint", func() string { return displayed(s.endpoint) })
}

// displayed returns a URL without parts that may be credentials.
func displayed(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.RawQuery != "" {
		return "(redacted)"
	}
	return u.Redacted()
}

// Exported returns the signals that are sent by OTLP, for the log.
func (s *Settings) Exported() string {
	var signals []string
	if s.exports(metricsVariable) {
		signals = append(signals, "metrics")
	}
	if s.exports(tracesVariable) {
		signals = append(signals, "traces")
	}
	return strings.Join(signals, ", ")
}

func (s *Settings) exports(variable string) bool {
	return s.endpoint != "" || os.Getenv(endpointVariable) != "" || os.Getenv(variable) != ""
}

// Check reports faults of the settings. The exporters themselves would ignore a
// malformed variable.
func (s *Settings) Check() error {
	if s.endpoint != "" && !isURL(s.endpoint) {
		return settings.Usagef("-otlp-endpoint is not a URL such as http://127.0.0.1:4318")
	}
	for _, variable := range []string{endpointVariable, metricsVariable, tracesVariable} {
		if value := os.Getenv(variable); value != "" && !isURL(value) {
			return settings.Usagef("%s is not a URL such as http://127.0.0.1:4318", variable)
		}
	}
	if protocol := os.Getenv(protocolVariable); protocol != "" && protocol != "http/protobuf" && s.Exported() != "" {
		s.source.Warn(protocolVariable + " is " + protocol + ", but this program sends http/protobuf, which collectors take at port 4318")
	}
	return nil
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Fragment == ""
}

// signalURL returns the URL of one signal. The endpoint is its base (OTLP
// specification, "Endpoint URLs for OTLP/HTTP").
func (s *Settings) signalURL(path string) string {
	u, _ := url.Parse(s.endpoint) // cannot fail: Check has parsed it
	return u.JoinPath(path).String()
}
