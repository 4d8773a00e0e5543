package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

// verify is what a receiver does with each request before it trusts the request. key is
// the decoded secret without its prefix.
func verify(key string, h http.Header, body []byte, now time.Time) error {
	unix, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil || now.Sub(time.Unix(unix, 0)).Abs() > 5*time.Minute {
		return errors.New("timestamp missing or too far off")
	}
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = fmt.Fprintf(mac, "%s.%d.%s", h.Get("webhook-id"), unix, body)
	for signature := range strings.SplitSeq(h.Get("webhook-signature"), " ") {
		encoded, ok := strings.CutPrefix(signature, "v1,")
		got, err := base64.StdEncoding.DecodeString(encoded)
		if ok && err == nil && hmac.Equal(got, mac.Sum(nil)) {
			return nil
		}
	}
	return errors.New("no signature fits")
}

// This is a complete receiver: it verifies a request, would send the message once per
// id, and answers.
func Example() {
	key := "0123456789abcdef0123456789abcdef" // from crypto/rand, base64 of 32 bytes in the secret
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil || verify(key, r.Header, body, time.Now()) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var p webhook.Payload
		if err := json.Unmarshal(body, &p); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Println("to", p.Data.To, "text", p.Data.Text)
		_ = json.NewEncoder(w).Encode(map[string]string{"id": "sms-7"})
	}))
	defer receiver.Close()

	sender, err := webhook.New(webhook.Config{
		URL:    receiver.URL,
		Secret: identity.NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte(key))),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := sender.Send(context.Background(), sms.Message{
		ID: "01890a5d-ac96-774b-bcce-b302099a8057", To: "+8612345678901", Text: "Your code is 123456.",
	})
	fmt.Println(receipt.Provider, receipt.Ref, err)
	// Output:
	// to +8612345678901 text Your code is 123456.
	// webhook sms-7 <nil>
}
