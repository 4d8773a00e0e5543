package vonage

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"hash"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/internal/smsreceipt"
)

// ReceiptsConfig configures [NewReceipts].
type ReceiptsConfig struct {
	// SignatureSecret is the account's signature secret. Required. Choose SHA-256 HMAC
	// or SHA-512 HMAC as the account's method; MD5 and SHA-1 are refused. Vonage signs
	// callbacks only after its support has turned that on.
	SignatureSecret identity.Secret
	// Record keeps a receipt, such as [identity.Service.RecordReceipt]. Required. It
	// is called concurrently. If package failover uses another name for the provider,
	// put that name into the receipt first.
	Record func(context.Context, sms.DeliveryReceipt) error
}

// NewReceipts returns the handler of Vonage's delivery receipts, or an error that
// joins all faults of c. The handler takes each of the three forms that an account
// can choose (GET, POST of a form, POST of JSON). It answers 403 to a request that
// Vonage did not sign, and keeps "delivered", "expired", "failed" and "rejected". Of
// a text in several parts it keeps the receipt of the first part.
func NewReceipts(c ReceiptsConfig) (http.Handler, error) {
	if err := smsconfig.Join(Provider, smsreceipt.Check("SignatureSecret", c.SignatureSecret, nil, c.Record)); err != nil {
		return nil, err
	}
	return smsreceipt.Handler{Methods: []string{http.MethodGet, http.MethodPost}, Record: c.Record, Read: c.read}, nil
}

func (c ReceiptsConfig) read(r *http.Request, body []byte) (receipt sms.DeliveryReceipt, err error) {
	form, err := parameters(r, body)
	if err != nil {
		return receipt, err
	}
	given, err := hex.DecodeString(form.Get("sig"))
	if err != nil {
		return receipt, smsreceipt.ErrForged
	}
	form.Del("sig")
	if err := smsreceipt.Equal(given, signature(c.SignatureSecret.Reveal(), len(given), form)); err != nil {
		return receipt, err
	}
	receipt = sms.DeliveryReceipt{Provider: Provider, Ref: form.Get("messageId"), Code: form.Get("err-code")}
	switch form.Get("status") {
	case "delivered":
		receipt.State = sms.ReceiptDelivered
	case "expired", "failed", "rejected":
		receipt.State = sms.ReceiptFailed
	}
	return receipt, nil
}

func parameters(r *http.Request, body []byte) (url.Values, error) {
	if r.Method == http.MethodGet {
		return smsreceipt.Form(r.URL.RawQuery)
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" {
		return smsreceipt.Form(string(body))
	}
	var object map[string]string
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, smsreceipt.ErrMalformed
	}
	form := url.Values{}
	for name, value := range object {
		form.Set(name, value)
	}
	return form, nil
}

// signature signs the parameters in the order of their names. Characters that
// separate parameters are replaced in the values. The length of a given signature
// tells the hash; for any other length the result is nil.
func signature(secret string, length int, form url.Values) []byte {
	hashes := map[int]func() hash.Hash{sha256.Size: sha256.New, sha512.Size: sha512.New}
	if hashes[length] == nil {
		return nil
	}
	mac := hmac.New(hashes[length], []byte(secret))
	separators := strings.NewReplacer("&", "_", "=", "_")
	for _, name := range slices.Sorted(maps.Keys(form)) {
		mac.Write([]byte("&" + separators.Replace(name) + "=" + separators.Replace(form.Get(name))))
	}
	return mac.Sum(nil)
}
