package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smsreceipt/receipttest"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

var receiptTime = time.Unix(1_700_000_000, 0)

// signed returns a request to the handler of receipts.
func signed(base, secret, id string, at time.Time, body string) *http.Request {
	req, err := http.NewRequest(http.MethodPost, base, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	signature, err := webhook.Sign(secret, id, at.Unix(), []byte(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("Webhook-Signature", "v1,AAAA "+signature)
	return req
}

func receiptsConfig(record func(context.Context, sms.DeliveryReceipt) error) webhook.ReceiptsConfig {
	return webhook.ReceiptsConfig{Secret: identity.NewSecret(secret), OldSecret: identity.NewSecret(secretOf('o', 24)), Record: record,
		Now: func() time.Time { return receiptTime }}
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	receipttest.Run(t, receipttest.Fixture{
		Provider: webhook.Provider, CodeOf: "30008", Delivered: []string{"delivered"}, Failed: []string{"failed"}, Between: []string{"sent"},
		New: func(record func(context.Context, sms.DeliveryReceipt) error) (http.Handler, error) {
			return webhook.NewReceipts(receiptsConfig(record))
		},
		Request: func(base, status, ref, code string) *http.Request {
			body := fmt.Sprintf(`{"type":"sms.receipt","data":{"id":%q,"status":%q,"code":%q}}`, ref, status, code)
			return signed(base, secret, "event-1", receiptTime, body)
		},
		Forge: map[string]func(*http.Request){
			"no signature":      func(r *http.Request) { r.Header.Del("Webhook-Signature") },
			"no version":        func(r *http.Request) { r.Header.Set("Webhook-Signature", r.Header.Get("Webhook-Signature")[8+3:]) },
			"another id":        receipttest.Header("Webhook-Id", "event-2"),
			"moved border":      receipttest.Header("Webhook-Id", "event-1.1"),
			"no id":             receipttest.Header("Webhook-Id", ""),
			"another time":      receipttest.Header("Webhook-Timestamp", "1700000001"),
			"no time":           receipttest.Header("Webhook-Timestamp", "now"),
			"time of the stars": receipttest.Header("Webhook-Timestamp", "9223372036854775807"),
			"another message":   receipttest.Body("ref-1", "ref-2"),
		},
	})
}

func TestReceiptTimesAndSecrets(t *testing.T) {
	t.Parallel()
	handler, err := webhook.NewReceipts(receiptsConfig(func(context.Context, sms.DeliveryReceipt) error { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"type":"sms.receipt","data":{"id":"ref","status":"delivered"}}`
	for name, test := range map[string]struct {
		req  *http.Request
		want int
	}{
		"old secret":           {signed("/", secretOf('o', 24), "e", receiptTime, body), 200},
		"another secret":       {signed("/", secretOf('x', 24), "e", receiptTime, body), 403},
		"five minutes ago":     {signed("/", secret, "e", receiptTime.Add(-5*time.Minute), body), 200},
		"longer ago":           {signed("/", secret, "e", receiptTime.Add(-5*time.Minute-time.Second), body), 403},
		"in the future":        {signed("/", secret, "e", receiptTime.Add(5*time.Minute+time.Second), body), 403},
		"our own message back": {signed("/", secret, "e", receiptTime, `{"type":"sms.send","data":{"id":"ref","status":"delivered"}}`), 400},
		"no object":            {signed("/", secret, "e", receiptTime, `[]`), 400},
		"no JSON":              {signed("/", secret, "e", receiptTime, body+"}"), 400},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, test.req)
		if w.Code != test.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, test.want)
		}
	}
	_, err = webhook.NewReceipts(webhook.ReceiptsConfig{Secret: identity.NewSecret("short"), OldSecret: identity.NewSecret("too")})
	for _, want := range []string{"no Record", "OldSecret must start", "\nSecret must start"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
