package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// front is one listener of the server and its handler.
type front struct {
	net.Listener
	connections *connections
	certificate *certificate // nil for HTTP
	handler     http.Handler
}

// open listens on the public address and, if it is set, on the management address. If
// it fails, it also returns the fronts that it has opened.
func (s *Server) open(logger *slog.Logger) (fronts []*front, err error) {
	add := func(addr string, c *certificate, places *connections) error {
		l, err := listen(addr)
		if err != nil {
			return err
		}
		if c != nil {
			c.logger = logger
		}
		fronts = append(fronts, &front{Listener: l, connections: places, certificate: c})
		return nil
	}
	if err := add(s.addr, s.tls.certificate, newConnections(s.maxConnections, s.perAddress, s.isProxy, logger)); err != nil {
		return fronts, err
	}
	if !s.management.on() {
		return fronts, nil
	}
	// The management listener has a bound of its own, so callers of the public routes
	// cannot use up its connections. One backend may use them all.
	all := func(netip.Addr) bool { return true }
	if err := add(s.management.addr, s.management.tls.certificate, newConnections(s.maxConnections, s.maxConnections, all, logger)); err != nil {
		return fronts, fmt.Errorf("-management-addr: %w", err)
	}
	return fronts, nil
}

func closeAll(fronts []*front) {
	for _, f := range fronts {
		_ = f.Close() // its HTTP server closes it too
	}
}

// where returns the address for the log.
func where(fronts []*front) string {
	if len(fronts) == 0 {
		return "off"
	}
	return fronts[0].Addr().String()
}

// server returns the HTTP server of a front. The time-outs bound how long a slow caller
// can hold a connection (slow headers, slow body).
func (f *front) server(logger *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           f.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ConnState:         f.connections.state,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if f.certificate != nil {
		server.TLSConfig = &tls.Config{GetCertificate: f.certificate.get, MinVersion: tls.VersionTLS12}
	}
	return server
}

// serve answers requests on all fronts until ctx ends, and then finishes the requests
// under way.
func (s *Server) serve(ctx context.Context, fronts []*front, logger *slog.Logger) error {
	failed := make(chan error, len(fronts))
	var servers []*http.Server
	for _, f := range fronts {
		server, l := f.server(logger), f.connections.listen(f.Listener)
		servers = append(servers, server)
		go func() {
			if server.TLSConfig != nil {
				failed <- server.ServeTLS(l, "", "")
			} else {
				failed <- server.Serve(l)
			}
		}()
	}
	select {
	case err := <-failed:
		return errors.Join(err, s.shutdown(ctx, servers))
	case <-ctx.Done():
	}
	logger.Info("stopping")
	return s.shutdown(ctx, servers)
}

// shutdown stops all servers from accepting at the same time, and waits for requests
// under way.
func (s *Server) shutdown(ctx context.Context, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.shutdownTimeout)
	defer cancel()
	ended := make(chan error, len(servers))
	for _, server := range servers {
		go func() {
			err := server.Shutdown(ctx)
			if err != nil {
				err = errors.Join(fmt.Errorf("requests were still under way after %s", s.shutdownTimeout), server.Close())
			}
			ended <- err
		}()
	}
	var errs []error
	for range servers {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}
