package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-16109ab2/rekey/sms"
)

// recordReceipt is Service.RecordReceipt.
type recordReceipt = func(context.Context, sms.DeliveryReceipt) error

const receiptPath = "/receipts/"

// receiptSettings say where carriers send their delivery receipts.
type receiptSettings struct{ base string }

func (s *receiptSettings) flags(f *flags) {
	f.StringVar(&s.base, "receipts-url", "", "public `URL` of this server, such as https://rekey.example, under which carriers reach "+receiptPath+
		"NAME with their delivery receipts; Twilio and Vonage are told with each message, at Bird and your own service you set it; default: no receipts")
}

func (s *receiptSettings) check() error {
	if s.base == "" {
		return nil
	}
	u, err := url.Parse(s.base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return usagef("-receipts-url is not a URL such as https://rekey.example")
	}
	return nil
}

// url is where a carrier sends its receipts, or empty.
func (s *receiptSettings) url(r route) string {
	if s.base == "" {
		return ""
	}
	return strings.TrimRight(s.base, "/") + receiptPath + r.label
}

// receiptRoutes puts the receipts of the carriers in use before the other routes.
func (c *carriers) receiptRoutes(record recordReceipt, next http.Handler) (http.Handler, error) {
	if c.receipts.base == "" {
		return next, nil
	}
	routes, err := c.parse()
	if err != nil {
		return nil, err
	}
	handlers := map[string]http.Handler{}
	for _, r := range routes {
		handler, err := c.receiptHandler(r, record)
		if err != nil {
			return nil, usageError{fmt.Errorf("-receipts-url: %w", err)}
		}
		if handler != nil {
			handlers[receiptPath+r.label] = handler
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler := handlers[r.URL.Path]; handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

func (c *carriers) receiptHandler(r route, record recordReceipt) (http.Handler, error) {
	named := func(ctx context.Context, receipt sms.DeliveryReceipt) error {
		receipt.Provider = r.label
		return record(ctx, receipt)
	}
	if r.name == "webhook" {
		return c.webhook.receipts(named)
	}
	for _, p := range providers() {
		if p.name != r.name || p.receipts == nil {
			continue
		}
		s := readSettings(p.prefix(), p.settings)
		s.receiptURL = c.receipts.url(r)
		if err := s.err(); err != nil {
			return nil, err
		}
		handler, err := p.receipts(s, named)
		if err != nil {
			return nil, fmt.Errorf("settings %s*: %w", p.prefix(), err)
		}
		return handler, nil
	}
	return nil, nil
}
