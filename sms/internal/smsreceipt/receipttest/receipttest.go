// Package receipttest tests the providers' callback handlers against the same rules.
package receipttest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
)

// Fixture makes a provider's handler and its requests.
type Fixture struct {
	New func(record func(context.Context, sms.DeliveryReceipt) error) (http.Handler, error)
	// Request returns a request, signed as the provider signs it, to a server at the
	// base address.
	Request func(base string, status, ref, code string) *http.Request
	// Provider is the name in the receipts.
	Provider string
	// Delivered, Failed and Between are the provider's words for states.
	Delivered, Failed, Between []string
	// CodeOf is the code in the receipt of a failure that the provider calls "30008".
	CodeOf string
	// Forge are changes after which the signature is wrong.
	Forge map[string]func(*http.Request)
}

// recorder keeps receipts, or fails if fail is set.
type recorder struct {
	mu   sync.Mutex
	got  []sms.DeliveryReceipt
	fail error
}

func (r *recorder) record(_ context.Context, receipt sms.DeliveryReceipt) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.got = append(r.got, receipt)
	return nil
}

// Run tests the handler over HTTP on loopback.
func Run(t *testing.T, f Fixture) {
	t.Helper()
	r := &recorder{}
	handler, err := f.New(r.record)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	// The client is not the default one: when another test closes its server, the
	// default client's idle connections end.
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	send := func(req *http.Request, want int, receipts ...sms.DeliveryReceipt) {
		t.Helper()
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want || len(body) > 0 {
			t.Errorf("status %d, %q; want %d", resp.StatusCode, body, want)
		}
		if !slices.Equal(receipts, r.got) {
			t.Errorf("receipts %v, want %v", r.got, receipts)
		}
		r.got = nil
	}
	for _, status := range f.Delivered {
		send(f.Request(server.URL, status, "ref-1", ""), 200, sms.DeliveryReceipt{Provider: f.Provider, Ref: "ref-1", State: sms.ReceiptDelivered})
	}
	for _, status := range f.Failed {
		send(f.Request(server.URL, status, "ref-2", "30008"), 200, sms.DeliveryReceipt{Provider: f.Provider, Ref: "ref-2", State: sms.ReceiptFailed, Code: f.CodeOf})
	}
	for _, status := range append(f.Between, "", "Delivered", "delivered ", "drop table") {
		send(f.Request(server.URL, status, "ref-3", ""), 200)
	}
	send(f.Request(server.URL, f.Delivered[0], "", ""), 400)
	send(f.Request(server.URL, f.Delivered[0], strings.Repeat("r", 129), ""), 400)
	for name, change := range f.Forge {
		req := f.Request(server.URL, f.Delivered[0], "ref-1", "")
		change(req)
		t.Log(name)
		send(req, 403)
	}
	method := f.Request(server.URL, f.Delivered[0], "ref-1", "")
	method.Method = http.MethodPut
	send(method, 405)
	large := f.Request(server.URL, f.Delivered[0], "ref-1", "")
	if large.Method == http.MethodPost {
		large.Body, large.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20))), 1<<20
		send(large, 413)
	}
	r.fail = identity.ErrNotFound
	send(f.Request(server.URL, f.Delivered[0], "ref-1", ""), 404)
	r.fail = errors.New("database down")
	send(f.Request(server.URL, f.Delivered[0], "ref-1", ""), 503)
	send(f.Request(server.URL, append(f.Between, "unknown")[0], "ref-1", ""), 200)
	if _, err := f.New(nil); err == nil || !strings.Contains(err.Error(), "no Record") {
		t.Errorf("without Record: %v", err)
	}
}

// Header sets a header field.
func Header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// Body replaces part of the body.
func Body(old, replacement string) func(*http.Request) {
	return func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), old) {
			panic("the body has no " + old)
		}
		text := strings.Replace(string(body), old, replacement, 1)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}
