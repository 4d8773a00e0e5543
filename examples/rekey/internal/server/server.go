// Package server serves the documented routes over HTTP and delivers the messages.
package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/captcha"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/page"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/providers"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/telemetry"
	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
)

// Server holds the settings of serve.
type Server struct {
	DB      database.Database
	Routes  providers.Routes
	Config  identity.Config
	Version string

	source          *settings.Set
	management      management
	options         httpadapter.Options
	trusted         []proxy
	origins         []string
	addr            string
	tls             tlsFiles
	texts           TextsFile
	maxConnections  int
	perAddress      int
	shutdownTimeout time.Duration
	maxBodyBytes    int
	pageTexts       resetpage.Texts
	page            page.Settings
	captcha         captcha.Settings
	others          others
	telemetry       telemetry.Settings
}

// Flags defines the flags of serve.
func (s *Server) Flags(f *settings.Set) {
	s.source = f
	s.addr, s.maxConnections, s.shutdownTimeout, s.maxBodyBytes = "127.0.0.1:8080", 1024, 20*time.Second, int(httpadapter.Options{}.WithDefaults().MaxBodyBytes)
	s.Config = settings.Defaults()
	f.Word(&s.addr, "addr", "`HOST:PORT` to listen on, or unix:/path of a socket, which its owner and group may use; with port 0, a free port is chosen and logged")
	s.DB.Flags(f)
	s.DB.ConnectionsFlag(f)
	s.Routes.Flags(f)
	s.tls.flags(f, "", "for HTTPS")
	f.Int(&s.maxConnections, "max-conns", "most `CONNECTIONS` at the same time: when all are in use, the longest idle one is closed, and further ones wait")
	f.Int(&s.perAddress, "max-conns-per-address", "most `CONNECTIONS` of one address at the same time, an IPv6 address counting as its /64, trusted proxies exempt; default: a sixteenth of -max-conns, 16 at least")
	f.Duration(&s.shutdownTimeout, "shutdown-timeout", "`DURATION` that requests under way may take to end after SIGTERM")
	f.Int(&s.maxBodyBytes, "max-body-bytes", "most `BYTES` of a request's body, 1024 to 1048576")
	f.Bool(&s.options.ServeOpenAPI, "openapi", "answer GET /openapi.json on the public listener with the description of its routes")
	f.Bool(&s.options.RefusalsAs400, "refusals-as-400", "answer 405, 413, 415 and 429 as 400, for callers that do not know these statuses")
	settings.List(f, &s.trusted, "trusted-proxies", parseProxy, "`NETWORKS` of reverse proxies whose -address-header is trusted, comma-separated, such as 10.0.0.0/8, or \"unix\" for one that connects to the Unix socket of -addr; default none")
	f.Text(&s.options.AddressHeader, "address-header", "`HEADER` in which the trusted proxies append the caller's address, such as X-Forwarded-For; default none")
	settings.List(f, &s.origins, "allowed-origins", settings.ParseWord, "`ORIGINS` whose pages may call the routes from a browser, comma-separated, such as https://www.example.com; default none")
	s.texts.Flag(f)
	s.page.Flags(f)
	s.captcha.Flags(f)
	s.others.flags(f)
	s.management.flags(f)
	s.telemetry.Flags(f)
	f.Config(&s.Config)
}

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context, out, errs io.Writer) (err error) {
	logger := slog.New(slog.NewJSONHandler(errs, nil))
	s.Config.Logger, s.options.Logger = logger, logger
	// A misspelt variable may be why a step below fails.
	for _, warning := range s.source.Unknown() {
		logger.Warn(warning)
	}
	if err := s.prepare(out); err != nil {
		return err
	}
	limitMemory(s.Config)
	// The server listens before it opens the database, so that a port in use changes
	// nothing.
	fronts, err := s.open(logger)
	defer closeAll(fronts)
	if err != nil {
		return err
	}
	watch, err := s.telemetry.Open(ctx, telemetry.Options{Version: s.Version, Prometheus: s.management.on(), Logger: logger})
	if err != nil {
		return err
	}
	s.Config.Observer = watch.Observer()
	service, err := s.DB.OpenService(ctx, s.Config, s.complete)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	defer watch.Close(ctx) // before the database, which the last gauges read
	if err := errors.Join(s.handle(fronts, service, watch), watch.Watch(service.Service, s.Config.SMS)); err != nil {
		return err
	}

	delivery, stopDelivery := context.WithCancel(context.WithoutCancel(ctx))
	delivered := make(chan error, 1)
	go func() { delivered <- service.Run(delivery) }()
	defer func() { stopDelivery(); err = errors.Join(err, <-delivered) }()
	stopHangups := onHangup(fronts, logger)
	defer stopHangups()

	for _, warning := range append(s.Warnings(), s.pageWarnings(ctx, service.Service)...) {
		logger.Warn(warning)
	}
	logger.Info("serving", "addr", fronts[0].Addr().String(), "tls", fronts[0].certificate != nil, "management", where(fronts[1:]),
		"otlp", s.telemetry.Exported(), "db", database.Displayed(s.DB.Address),
		"sms", s.Routes.Names(), "page", s.page.Path(), "captcha", s.captcha.Kind(), "secret", service.Secret, "version", s.Version)
	if err := s.serve(ctx, fronts, logger); err != nil {
		return err
	}
	drain(ctx, service.Service)
	return nil
}

// Warnings returns sentences about settings that are allowed but probably not intended.
func (s *Server) Warnings() []string {
	warnings := append([]string(nil), s.source.Warnings...)
	for _, region := range s.Routes.Unserved(s.Config.WithDefaults().Countries) {
		warnings = append(warnings, "numbers of "+region+" are served (-countries), but no provider of -sms serves them: their codes will not be sent")
	}
	return warnings
}

// Step is one of the checks that run before anything is opened.
type Step struct {
	Name, Detail string
	Do           func() error
}

// Steps returns these checks. The console of -sms prints to out.
func (s *Server) Steps(out io.Writer) []Step {
	return []Step{
		{"address", database.Displayed(s.DB.Address), s.DB.Check},
		{"providers", strings.Join(s.Routes.Names(), ", "), func() (err error) {
			s.Config.SMS, err = s.Routes.Sender(out, s.Config.SendTimeout, s.Config.RetryUncertain)
			return err
		}},
		{"receipts", "", s.Routes.CheckReceipts},
		{"texts", "", func() error {
			read, err := s.texts.Read()
			s.Config.Texts, s.options.Messages, s.pageTexts = read.SMS, read.Errors, read.Page
			return err
		}},
		{"network", s.addr, s.prepareNetwork},
		{"management", s.management.addr, s.management.prepare},
		{"telemetry", s.telemetry.Exported(), s.telemetry.Check},
		{"captcha", s.captcha.Kind(), s.captcha.Check},
		{"others", s.others.names(), s.prepareOthers},
		{"page", s.page.Where(), s.preparePage},
		{"settings", "", func() error { return settings.Check(s.Config) }},
		{"adapter", "", s.prepareAdapter},
	}
}

// prepare runs the steps, up to the first that fails.
func (s *Server) prepare(out io.Writer) error {
	for _, step := range s.Steps(out) {
		if err := step.Do(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) prepareNetwork() error {
	if s.maxConnections < 1 {
		return settings.Usagef("-max-conns is %d, must be at least 1", s.maxConnections)
	}
	if s.perAddress < 0 {
		return settings.Usagef("-max-conns-per-address is %d, must be at least 1", s.perAddress)
	}
	if s.perAddress == 0 {
		s.perAddress = max(s.maxConnections/16, min(16, s.maxConnections))
	}
	return s.tls.prepare()
}

func (s *Server) prepareAdapter() error {
	s.options.MaxBodyBytes = int64(s.maxBodyBytes)
	s.options.DefaultLanguage = s.Config.DefaultLanguage
	if (len(s.trusted) > 0) != (s.options.AddressHeader != "") {
		return settings.Usagef("-trusted-proxies and -address-header belong together")
	}
	s.adapt()
	if err := s.options.Validate(); err != nil {
		return settings.UsageError{Err: err}
	}
	return nil
}

// onHangup reads the certificates again at SIGHUP, which would otherwise end the
// process.
func onHangup(fronts []*front, logger *slog.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-hangups:
				logger.Info("SIGHUP: certificates are read again, other settings need a restart")
				for _, f := range fronts {
					if f.certificate != nil {
						f.certificate.reload()
					}
				}
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(hangups); close(done) }
}
