package vonage_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smsreceipt/receipttest"
	"github.com/seed-16109ab2/rekey/sms/vonage"
)

const signatureSecret = "signature-secret-77"

// receipt returns the form of a delivery receipt that is signed with a hash of that
// length.
func receipt(length int, status, ref, code string) url.Values {
	form := url.Values{
		"msisdn": {"8613912345678"}, "to": {"Rekey & Co = us"}, "network-code": {"46000"}, "messageId": {ref}, "price": {"0.03330000"},
		"status": {status}, "scts": {"2001011400"}, "err-code": {code}, "api-key": {"abcd1234"}, "message-timestamp": {"2020-01-01 12:00:00"},
		"timestamp": {"1582650446"}, "nonce": {"ec11dd3e-1e7f-4db5-9467-82b02cd223b9"},
	}
	if code == "" {
		form.Del("err-code")
	}
	form.Set("sig", strings.ToUpper(hex.EncodeToString(vonage.Signature(signatureSecret, length, form))))
	return form
}

func newReceipts(record func(context.Context, sms.DeliveryReceipt) error) (http.Handler, error) {
	return vonage.NewReceipts(vonage.ReceiptsConfig{SignatureSecret: identity.NewSecret(signatureSecret), Record: record})
}

func request(method, address, contentType, body string) *http.Request {
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", contentType)
	return req
}

// An account can have its receipts in these three forms.
func TestReceipts(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(base, status, ref, code string) *http.Request{
		"query, SHA-256": func(base, status, ref, code string) *http.Request {
			return request(http.MethodGet, base+"/?"+receipt(32, status, ref, code).Encode(), "", "")
		},
		"form, SHA-512": func(base, status, ref, code string) *http.Request {
			return request(http.MethodPost, base, "application/x-www-form-urlencoded", receipt(64, status, ref, code).Encode())
		},
		"JSON, SHA-256": func(base, status, ref, code string) *http.Request {
			object := map[string]string{}
			for name, values := range receipt(32, status, ref, code) {
				object[name] = values[0]
			}
			body, _ := json.Marshal(object)
			return request(http.MethodPost, base, "application/json", string(body))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receipttest.Run(t, receipttest.Fixture{
				Provider: vonage.Provider, Request: build, CodeOf: "30008", New: newReceipts,
				Delivered: []string{"delivered"}, Failed: []string{"expired", "failed", "rejected"}, Between: []string{"accepted", "buffered", "unknown"},
			})
		})
	}
}

func TestForgedReceipts(t *testing.T) {
	t.Parallel()
	handler, err := newReceipts(func(context.Context, sms.DeliveryReceipt) error { t.Error("recorded"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(url.Values)
		want   int
	}{
		"no signature":    {func(f url.Values) { f.Del("sig") }, 403},
		"no hexadecimal":  {func(f url.Values) { f.Set("sig", "zz") }, 403},
		"empty":           {func(f url.Values) { f.Set("sig", "") }, 403},
		"MD5":             {func(f url.Values) { f.Set("sig", "6af838ef94998832dbfc29020b564830") }, 403},
		"SHA-1":           {func(f url.Values) { f.Set("sig", "3e19a4e6880fdc2c1426bfd0587c98b9532f0210") }, 403},
		"another message": {func(f url.Values) { f.Set("messageId", "other") }, 403},
		"one more":        {func(f url.Values) { f.Set("a", "b") }, 403},
		"one less":        {func(f url.Values) { f.Del("price") }, 403},
		"twice":           {func(f url.Values) { f.Add("messageId", "other") }, 400},
		// The separators in values are replaced before signing, so that text cannot
		// move from one value to another.
		"moved border": {func(f url.Values) { f.Set("nonce", f.Get("nonce")+"&price="+f.Get("price")); f.Del("price") }, 403},
	} {
		form := receipt(32, "delivered", "ref-1", "0")
		test.change(form)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?"+form.Encode(), nil))
		if w.Code != test.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, test.want)
		}
	}
	for _, body := range []string{"", "[]", "{", `{"sig": 1}`, `{"messageId": null}`} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request(http.MethodPost, "/", "application/json", body))
		if w.Code != 400 && w.Code != 403 {
			t.Errorf("%s: status %d", body, w.Code)
		}
	}
}

// These values are from the tests of Vonage's Python library. The documentation has no
// worked example.
func TestSignatureOfTheLibrary(t *testing.T) {
	t.Parallel()
	form := url.Values{"a": {"1"}, "b": {"2"}, "timestamp": {"1461605396"}}
	for length, want := range map[int]string{
		32: "a321e824b9b816be7c3f28859a31749a098713d39f613c80d455bbaffae1cd24",
		64: "812a18f76680fa0fe1b8bd9ee1625466ceb1bd96242e4d050d2cfd9a7b40166c63ed26ec9702168781b6edcf1633db8ff95af9341701004eec3fcf9550572ee8",
		20: "",
	} {
		if got := fmt.Sprintf("%x", vonage.Signature("secret", length, form)); got != want {
			t.Errorf("%d bytes: %s, want %s", length, got, want)
		}
	}
}
