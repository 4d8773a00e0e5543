package twilio_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/providertest"
	"github.com/seed-16109ab2/rekey/sms/internal/smsreceipt/receipttest"
	"github.com/seed-16109ab2/rekey/sms/twilio"
)

const callback = "https://rekey.example/receipts/twilio?from=twilio"

func TestReceipts(t *testing.T) {
	t.Parallel()
	status := func(base string, status, ref, code string) *http.Request {
		form := url.Values{
			"MessageSid": {ref}, "MessageStatus": {status}, "SmsSid": {ref}, "SmsStatus": {status}, "AccountSid": {account},
			"To": {"+8613912345678"}, "From": {"+15005550006"}, "ApiVersion": {"2010-04-01"},
		}
		if code != "" {
			form.Set("ErrorCode", code)
		}
		req, err := http.NewRequest(http.MethodPost, base+"/receipts/twilio?from=twilio", strings.NewReader(form.Encode()))
		if err != nil {
			panic(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		req.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(twilio.Signature(token, callback, form)))
		return req
	}
	receipttest.Run(t, receipttest.Fixture{
		Provider: twilio.Provider, Request: status, CodeOf: "30008",
		Delivered: []string{"delivered"}, Failed: []string{"undelivered", "failed"},
		Between: []string{"accepted", "queued", "sending", "sent", "canceled", "read"},
		New: func(record func(context.Context, sms.DeliveryReceipt) error) (http.Handler, error) {
			return twilio.NewReceipts(twilio.ReceiptsConfig{AuthToken: identity.NewSecret(token), URL: callback, Record: record})
		},
		Forge: map[string]func(*http.Request){
			"no signature":    func(r *http.Request) { r.Header.Del("X-Twilio-Signature") },
			"no base64":       receipttest.Header("X-Twilio-Signature", "#"),
			"empty":           receipttest.Header("X-Twilio-Signature", ""),
			"another's":       receipttest.Header("X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
			"another message": receipttest.Body("ref-1", "ref-2"),
			"one more":        receipttest.Body("ApiVersion", "A=&ApiVersion"),
		},
	})
}

// If a parameter is given twice, the signature covers one of the values, and the other
// value might be read.
func TestReceiptsRefuseRepeatedParameters(t *testing.T) {
	t.Parallel()
	handler, err := twilio.NewReceipts(twilio.ReceiptsConfig{AuthToken: identity.NewSecret(token), URL: callback,
		Record: func(context.Context, sms.DeliveryReceipt) error { t.Error("recorded"); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if status := post(handler, "MessageSid=SM1&MessageSid=SM2&MessageStatus=delivered"); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
}

// The worked example of Twilio's documentation of request validation.
func TestSignatureOfTheDocumentation(t *testing.T) {
	t.Parallel()
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"}}
	got := base64.StdEncoding.EncodeToString(twilio.Signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form))
	if want := "RSOYDt4T1cUTdK1PDd93/VVr8B8="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestReceiptsConfig(t *testing.T) {
	t.Parallel()
	_, err := twilio.NewReceipts(twilio.ReceiptsConfig{})
	for _, want := range []string{"AuthToken is required", "URL is not an absolute URL", "no Record"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

func TestStatusCallback(t *testing.T) {
	t.Parallel()
	var got string
	_, err := providertest.Send(t, opener(func(c *twilio.Config) { c.StatusCallback = callback }), sms.Message{ID: "m1", To: "+8613912345678", Text: "hello"},
		func(w http.ResponseWriter, r *http.Request) {
			got = r.PostFormValue("StatusCallback")
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"sid":"SM1","status":"queued"}`))
		})
	if err != nil || got != callback {
		t.Errorf("callback %q, %v", got, err)
	}
}

func post(h http.Handler, form string) (status int) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
	h.ServeHTTP(w, r)
	return w.Code
}
