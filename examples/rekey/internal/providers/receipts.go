package providers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/sms"
)

// recordReceipt is Service.RecordReceipt.
type recordReceipt = func(context.Context, sms.DeliveryReceipt) error

const receiptPath = "/receipts/"

// receiptSettings say where providers send their delivery receipts.
type receiptSettings struct{ base string }

func (s *receiptSettings) flags(f *settings.Set) {
	f.Text(&s.base, "receipts-url", "public `URL` of this server, such as https://rekey.example or https://example.com/auth, under which providers reach "+receiptPath+
		"NAME with their delivery receipts. A path in it is served too, so a proxy may keep or remove it. Twilio and Vonage get the URL with each message; at Bird and in your own service you configure it; default: no receipts")
}

// parse returns the URL without a slash at its end, or nil if there is none.
func (s *receiptSettings) parse() (*url.URL, error) {
	if s.base == "" {
		return nil, nil
	}
	u, err := url.Parse(s.base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, settings.Usagef("-receipts-url is not a URL such as https://rekey.example")
	}
	if u.Path = strings.TrimRight(u.Path, "/"); u.Path != "" && (path.Clean(u.Path) != u.Path || u.EscapedPath() != u.Path) {
		return nil, settings.Usagef("-receipts-url has a path that proxies write in several ways: use letters, digits and hyphens between single slashes")
	}
	return u, nil
}

// url returns the URL to which a provider sends its receipts, or "".
func (s *receiptSettings) url(r route) string {
	u, err := s.parse()
	if u == nil || err != nil {
		return ""
	}
	return u.JoinPath(receiptPath, r.label).String()
}

// CheckReceipts reports settings that the receipts' handlers lack.
func (c *Routes) CheckReceipts() error {
	_, err := c.ReceiptRoutes(func(context.Context, sms.DeliveryReceipt) error { return nil }, nil)
	return err
}

// ReceiptRoutes serves the receipts of the providers in use, and passes all other
// requests on. Receipts are served at /receipts/NAME, also below the path of
// -receipts-url.
func (c *Routes) ReceiptRoutes(record recordReceipt, next http.Handler) (http.Handler, error) {
	base, err := c.receipts.parse()
	if base == nil || err != nil {
		return next, err
	}
	routes, err := c.parse()
	if err != nil {
		return nil, err
	}
	handlers := map[string]http.Handler{}
	for _, r := range routes {
		handler, err := c.receiptHandler(r, record)
		if err != nil {
			return nil, settings.UsageError{Err: fmt.Errorf("-receipts-url: %w", err)}
		}
		if handler != nil {
			handlers[receiptPath+r.label] = handler
			handlers[base.Path+receiptPath+r.label] = handler
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

func (c *Routes) receiptHandler(r route, record recordReceipt) (http.Handler, error) {
	if r.receipts == nil {
		return nil, nil
	}
	v := c.values(r)
	if err := v.err(); err != nil {
		return nil, err
	}
	handler, err := r.receipts(v, func(ctx context.Context, receipt sms.DeliveryReceipt) error {
		receipt.Provider = r.label
		return record(ctx, receipt)
	})
	if err != nil {
		return nil, fmt.Errorf("settings %s*: %w", r.prefix(), err)
	}
	return handler, nil
}
