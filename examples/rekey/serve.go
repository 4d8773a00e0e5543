package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

// server is what serve is set to do.
type server struct {
	db               database
	sms              carriers
	config           identity.Config
	options          httpadapter.Options
	addr             string
	certFile         string
	keyFile          string
	texts            textsFile
	maxConnections   int
	shutdownTimeout  time.Duration
	maxBodyBytes     int
	tlsConfiguration *tls.Config
}

func serveCommand(f *flags) action {
	var s server
	f.word(&s.addr, "addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 picks a free one, which the log tells")
	s.db.flags(f)
	s.db.connectionsFlag(f)
	s.sms.flags(f)
	f.StringVar(&s.certFile, "tls-cert", "", "`FILE` of the certificate chain in PEM, for HTTPS; default: HTTP")
	f.StringVar(&s.keyFile, "tls-key", "", "`FILE` of the certificate's key in PEM")
	f.integer(&s.maxConnections, "max-conns", 1024, "most `CONNECTIONS` at once, the others wait")
	f.duration(&s.shutdownTimeout, "shutdown-timeout", 20*time.Second, "`DURATION` that requests under way may take to end after SIGTERM")
	f.integer(&s.maxBodyBytes, "max-body-bytes", 32768, "most `BYTES` of a request's body, 26624 to 1048576")
	f.BoolVar(&s.options.RefusalsAs400, "refusals-as-400", false, "answer 405, 413, 415 and 429 as 400, for callers that know no other")
	list(f, &s.options.TrustedProxies, "trusted-proxies", parsePrefix, "`NETWORKS` of reverse proxies whose -address-header is believed, comma-separated, such as 10.0.0.0/8; default none")
	f.StringVar(&s.options.AddressHeader, "address-header", "", "`HEADER` in which the trusted proxies append the caller's address, such as X-Forwarded-For; default none")
	s.texts.flag(f)
	configFlags(f, &s.config)
	return s.run
}

// run serves until ctx ends.
func (s *server) run(ctx context.Context, std streams) (err error) {
	logger := slog.New(slog.NewJSONHandler(std.err, nil))
	s.config.Logger, s.options.Logger = logger, logger
	if err := s.prepare(std); err != nil {
		return err
	}
	limitMemory(s.config)
	// Before the database, so that a port that is taken changes nothing.
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // Serve closes it too
	service, closeDB, err := s.db.openService(ctx, s.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDB()) }()
	api, err := httpadapter.New(service, s.options)
	if err != nil {
		return err
	}
	routes, err := s.sms.receiptRoutes(service.RecordReceipt, api)
	if err != nil {
		return err
	}

	delivery, stopDelivery := context.WithCancel(context.WithoutCancel(ctx))
	delivered := make(chan error, 1)
	go func() { delivered <- service.Run(delivery) }()
	defer func() { stopDelivery(); err = errors.Join(err, <-delivered) }()

	for _, name := range unknownVariables() {
		logger.Warn("environment variable means nothing", "name", name)
	}
	logger.Info("serving", "addr", listener.Addr().String(), "tls", s.tlsConfiguration != nil, "db", displayed(s.db.address),
		"sms", s.sms.names(), "secret", s.db.secrets.place(s.db.address))
	if err := s.serve(ctx, listener, withHealth(service, routes), logger); err != nil {
		return err
	}
	drain(ctx, service)
	return nil
}

// prepare checks all that can be checked before anything is opened.
func (s *server) prepare(std streams) (err error) {
	if err := s.db.check(); err != nil {
		return err
	}
	s.options.MaxBodyBytes = int64(s.maxBodyBytes)
	s.options.DefaultLanguage = s.config.DefaultLanguage
	if s.config.SMS, err = s.sms.sender(std.out, s.config.SendTimeout, s.config.RetryUncertain); err != nil {
		return err
	}
	if err := s.sms.receipts.check(); err != nil {
		return err
	}
	// Nothing is recorded yet: this finds what the handlers lack.
	if _, err := s.sms.receiptRoutes((*identity.Service)(nil).RecordReceipt, nil); err != nil {
		return err
	}
	if s.config.Texts, s.options.Messages, err = s.texts.read(); err != nil {
		return err
	}
	if s.maxConnections < 1 {
		return usagef("-max-conns is %d, must be at least 1", s.maxConnections)
	}
	if (s.certFile == "") != (s.keyFile == "") {
		return usagef("-tls-cert and -tls-key belong together")
	}
	if s.certFile != "" {
		pair, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
		if err != nil {
			return fmt.Errorf("-tls-cert and -tls-key: %w", err)
		}
		s.tlsConfiguration = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if err := checkSettings(s.config); err != nil {
		return err
	}
	return s.checkOptions()
}

// checkOptions has the adapter check its options, without a service to serve.
func (s *server) checkOptions() error {
	if _, err := httpadapter.New(new(identity.Service), s.options); err != nil {
		return usageError{err}
	}
	return nil
}

// serve answers requests until ctx ends, and then finishes those under way.
func (s *server) serve(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger) error {
	// The time-outs bound what a slow caller can hold (slow headers, slow body).
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		TLSConfig:         s.tlsConfiguration,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	l = boundListener(l, s.maxConnections)
	failed := make(chan error, 1)
	go func() {
		if s.tlsConfiguration != nil {
			failed <- server.ServeTLS(l, "", "")
		} else {
			failed <- server.Serve(l)
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	logger.Info("stopping")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were still under way after %s", s.shutdownTimeout), server.Close())
	}
	return nil
}

// withHealth answers GET /healthz: 200 if the database does, else 503.
func withHealth(service *identity.Service, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" || r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		status, text := http.StatusOK, "ok\n"
		if _, err := service.Events(ctx, identity.EventQuery{AfterID: "", Max: 1}); err != nil {
			status, text = http.StatusServiceUnavailable, "storage does not answer\n"
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	})
}
