package bird

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/internal/smsreceipt"
)

// ReceiptsConfig configures [NewReceipts].
type ReceiptsConfig struct {
	// SigningKey is the key that you gave to Bird with the webhook subscription. Required.
	SigningKey identity.Secret
	// URL is the public address of the handler, exactly as in the subscription, because
	// Bird signs it. Required.
	URL string
	// Record keeps a receipt, such as [identity.Service.RecordReceipt]. Required. It
	// is called concurrently. If package failover uses another name for the provider,
	// put that name into the receipt first.
	Record func(context.Context, sms.DeliveryReceipt) error
}

// NewReceipts returns the handler of a webhook subscription to the event
// "sms.outbound", or an error that joins all faults of c. The handler answers 403 to
// a request that Bird did not sign, and keeps "delivered", "delivery_failed" and
// "sending_failed".
func NewReceipts(c ReceiptsConfig) (http.Handler, error) {
	if err := smsconfig.Join(Provider, smsreceipt.Check("SigningKey", c.SigningKey, &c.URL, c.Record)); err != nil {
		return nil, err
	}
	return smsreceipt.Handler{Methods: []string{http.MethodPost}, Record: c.Record, Read: c.read}, nil
}

func (c ReceiptsConfig) read(r *http.Request, body []byte) (receipt sms.DeliveryReceipt, err error) {
	given, err := base64.StdEncoding.Strict().DecodeString(r.Header.Get("Messagebird-Signature"))
	if err != nil {
		return receipt, smsreceipt.ErrForged
	}
	if err := smsreceipt.Equal(given, signature(c.SigningKey.Reveal(), r.Header.Get("Messagebird-Request-Timestamp"), c.URL, body)); err != nil {
		return receipt, err
	}
	var event struct {
		Event   string `json:"event"`
		Payload struct {
			ID      string `json:"id"`
			Status  string `json:"status"`
			Failure struct {
				Code int `json:"code"`
			} `json:"failure"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return receipt, smsreceipt.ErrMalformed
	}
	if event.Event != "sms.outbound" {
		return receipt, nil // another event of the same subscription
	}
	receipt = sms.DeliveryReceipt{Provider: Provider, Ref: event.Payload.ID}
	switch event.Payload.Status {
	case "delivered":
		receipt.State = sms.ReceiptDelivered
	case "delivery_failed", "sending_failed":
		receipt.State = sms.ReceiptFailed
		if event.Payload.Failure.Code != 0 {
			receipt.Code = strconv.Itoa(event.Payload.Failure.Code)
		}
	}
	return receipt, nil
}

func signature(key, timestamp, address string, body []byte) []byte {
	digest := sha256.Sum256(body)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + "\n" + address + "\n"))
	mac.Write(digest[:])
	return mac.Sum(nil)
}
