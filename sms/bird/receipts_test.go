package bird_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/bird"
	"github.com/seed-16109ab2/rekey/sms/internal/smsreceipt/receipttest"
)

func TestReceipts(t *testing.T) {
	t.Parallel()
	const key, address = "signing-key-31", "https://rekey.example/receipts/bird"
	receipttest.Run(t, receipttest.Fixture{
		Provider: bird.Provider, CodeOf: "30008",
		Delivered: []string{"delivered"}, Failed: []string{"delivery_failed", "sending_failed"}, Between: []string{"accepted", "processing", "sent"},
		New: func(record func(context.Context, sms.DeliveryReceipt) error) (http.Handler, error) {
			return bird.NewReceipts(bird.ReceiptsConfig{SigningKey: identity.NewSecret(key), URL: address, Record: record})
		},
		Request: func(base, status, ref, code string) *http.Request {
			failure := ""
			if code != "" {
				failure = `,"reason":"details: unknown subscriber","failure":{"code":` + code + `,"source":{"name":"sms-messagebird","code":"1"}}`
			}
			body := fmt.Sprintf(`{"service":"channels","event":"sms.outbound","payload":{"id":%q,"channelId":"c1","direction":"outgoing","status":%q%s}}`, ref, status, failure)
			req, err := http.NewRequest(http.MethodPost, base, strings.NewReader(body))
			if err != nil {
				panic(err)
			}
			const timestamp = "1700000000"
			req.Header.Set("messagebird-request-timestamp", timestamp)
			req.Header.Set("messagebird-signature", base64.StdEncoding.EncodeToString(bird.Signature(key, timestamp, address, []byte(body))))
			return req
		},
		Forge: map[string]func(*http.Request){
			"no signature":    func(r *http.Request) { r.Header.Del("messagebird-signature") },
			"no base64":       receipttest.Header("messagebird-signature", "#"),
			"another time":    receipttest.Header("messagebird-request-timestamp", "1700000001"),
			"another message": receipttest.Body("ref-1", "ref-2"),
			"moved border":    receipttest.Header("messagebird-request-timestamp", "1700000000\t"+address),
		},
	})
}

// Other events of a subscription are acknowledged, and not read as receipts.
func TestOtherEvents(t *testing.T) {
	t.Parallel()
	const key, address = "signing-key-31", "https://rekey.example/receipts/bird"
	handler, err := bird.NewReceipts(bird.ReceiptsConfig{SigningKey: identity.NewSecret(key), URL: address,
		Record: func(context.Context, sms.DeliveryReceipt) error { t.Error("recorded"); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]int{
		`{"event":"sms.inbound","payload":{"id":"ref-1","status":"delivered"}}`: 200,
		`{}`: 200, `[]`: 400, ``: 400, `{"event":"sms.outbound","payload":{"id":1}}`: 400,
	} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		req.Header.Set("messagebird-signature", base64.StdEncoding.EncodeToString(bird.Signature(key, "", address, []byte(body))))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", body, w.Code, want)
		}
	}
}
