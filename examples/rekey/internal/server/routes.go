package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/page"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

// complete adds the parts that need the store or the secrets, and keeps the secrets for
// the page.
func (s *Server) complete(c *identity.Config) error {
	if err := s.captcha.Open(c); err != nil {
		return err
	}
	s.Config = *c
	return nil
}

// routes returns the handler of all public routes except health.
func (s *Server) routes(service *database.Open) (http.Handler, error) {
	var err error
	if s.options.Routes, err = s.captcha.Routes(service.Service, service.Store); err != nil {
		return nil, err
	}
	api, err := httpadapter.New(service.Service, s.options)
	if err != nil {
		return nil, err
	}
	routes, err := s.Routes.ReceiptRoutes(service.RecordReceipt, api)
	if err != nil || !s.page.On() {
		return routes, err
	}
	callers, err := httpadapter.NewCallerSource(httpadapter.CallerOptions{
		TrustedProxies: s.options.TrustedProxies, TrustUnixSocket: s.options.TrustUnixSocket, AddressHeader: s.options.AddressHeader,
	})
	if err != nil {
		return nil, err
	}
	people, err := s.page.Open(service.Service, s.Config, page.Options{
		Address: callers.Address, Challenger: s.captcha.Challenger(), Counter: service.Store, Texts: s.pageTexts, Logger: s.options.Logger,
		InsecureCookies: s.plainAtHome(),
	})
	if err != nil {
		return nil, err
	}
	return s.page.Before(routes, people), nil
}

// preparePage reads -page. The page's host is the default of -origin-domain.
func (s *Server) preparePage() error {
	if err := s.page.Check(s.Config, s.pageTexts); err != nil || !s.page.On() {
		return err
	}
	if !s.captcha.OnPage() {
		return settings.Usagef("-page cannot solve -captcha %s: use altcha or off", s.captcha.Kind())
	}
	if s.Config.OriginDomain == "" && s.Config.AndroidAppHash == "" {
		s.Config.OriginDomain = s.page.Host()
	}
	return nil
}

// plainAtHome reports whether people use plain HTTP on this machine, without a proxy.
// In such a trial the page cannot use the cookies of HTTPS.
func (s *Server) plainAtHome() bool {
	if s.tls.on() || s.page.Secure() || len(s.trusted) > 0 {
		return false
	}
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// pageWarnings returns sentences about a page that people cannot use.
func (s *Server) pageWarnings(ctx context.Context, service *identity.Service) (warnings []string) {
	if !s.page.On() {
		return nil
	}
	if err := service.CheckCaller(ctx, identity.Caller{ClientID: s.page.Client(), Device: "start"}); err != nil {
		warnings = append(warnings, "the page cannot send codes yet: -page-client "+s.page.Client()+": "+settings.Sentence(err))
	}
	if !s.tls.on() && !s.page.Secure() && len(s.trusted) == 0 && !s.plainAtHome() {
		warnings = append(warnings, "the page works over HTTPS only, but for a loopback address: set -tls-cert, or have a proxy in -trusted-proxies")
	}
	return warnings
}
