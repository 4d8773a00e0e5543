package twilio

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // as Twilio signs
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/internal/smsreceipt"
)

// ReceiptsConfig configures [NewReceipts].
type ReceiptsConfig struct {
	// AuthToken is the account's auth token. It signs callbacks even if an API key
	// sends. Required.
	AuthToken identity.Secret
	// URL is the public address of the handler, exactly as in [Config.StatusCallback],
	// because Twilio signs it. Required.
	URL string
	// Record keeps a receipt, such as [identity.Service.RecordReceipt]. Required. It
	// is called concurrently. If package failover uses another name for the provider,
	// put that name into the receipt first.
	Record func(context.Context, sms.DeliveryReceipt) error
}

// NewReceipts returns the handler of Twilio's status callbacks, or an error that
// joins all faults of c. The handler answers 403 to a request that Twilio did not
// sign, and keeps "delivered", "undelivered" and "failed".
func NewReceipts(c ReceiptsConfig) (http.Handler, error) {
	if err := smsconfig.Join(Provider, smsreceipt.Check("AuthToken", c.AuthToken, &c.URL, c.Record)); err != nil {
		return nil, err
	}
	return smsreceipt.Handler{Methods: []string{http.MethodPost}, Record: c.Record, Read: c.read}, nil
}

func (c ReceiptsConfig) read(r *http.Request, body []byte) (receipt sms.DeliveryReceipt, err error) {
	form, err := smsreceipt.Form(string(body))
	if err != nil {
		return receipt, err
	}
	given, err := base64.StdEncoding.Strict().DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil {
		return receipt, smsreceipt.ErrForged
	}
	if err := smsreceipt.Equal(given, signature(c.AuthToken.Reveal(), c.URL, form)); err != nil {
		return receipt, err
	}
	receipt = sms.DeliveryReceipt{Provider: Provider, Ref: form.Get("MessageSid"), Code: form.Get("ErrorCode")}
	switch form.Get("MessageStatus") {
	case "delivered":
		receipt.State = sms.ReceiptDelivered
	case "undelivered", "failed":
		receipt.State = sms.ReceiptFailed
	}
	return receipt, nil
}

// signature returns what Twilio puts into X-Twilio-Signature for a form.
func signature(token, address string, form url.Values) []byte {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		mac.Write([]byte(name + form.Get(name)))
	}
	return mac.Sum(nil)
}
