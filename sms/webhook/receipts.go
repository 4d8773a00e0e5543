package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/internal/smsreceipt"
)

// ReceiptPayloadType is [ReceiptPayload].Type. It differs from [PayloadType], so that
// a request of the sender cannot be sent back as a receipt.
const ReceiptPayloadType = "sms.receipt"

// ReceiptPayload is the JSON body of a receipt.
type ReceiptPayload struct {
	Type string      `json:"type"` // [ReceiptPayloadType]
	Data ReceiptData `json:"data"`
}

// ReceiptData says whether a message arrived.
type ReceiptData struct {
	// ID is the "id" in the answer to the message's request. Without an "id" in that
	// answer a message has no receipt.
	ID     string           `json:"id"`
	Status sms.ReceiptState `json:"status"` // "delivered" or "failed"; others are acknowledged and not kept
	Code   string           `json:"code"`   // the provider's own error code; may be empty
}

// receiptTolerance is how far the time of a request may be off. The specification
// leaves the choice to the receiver; its libraries choose this.
const receiptTolerance = 5 * time.Minute

// ReceiptsConfig configures [NewReceipts].
type ReceiptsConfig struct {
	// Secret signs the receipts, as [Config.Secret] signs the messages. Both may have
	// the same value. Required.
	Secret identity.Secret
	// OldSecret is accepted as well while your service moves to Secret. Optional.
	OldSecret identity.Secret
	// Record keeps a receipt, such as [identity.Service.RecordReceipt]. Required. It
	// is called concurrently. If package failover uses another name for the provider,
	// put that name into the receipt first.
	Record func(context.Context, sms.DeliveryReceipt) error
	// Now tells the time. Default time.Now.
	Now func() time.Time
}

type receipts struct {
	keys [][]byte
	now  func() time.Time
}

// NewReceipts returns the handler of the delivery receipts that your service posts,
// or an error that joins all faults of c. Receipts are signed by the rules of Standard
// Webhooks, as messages are. The handler answers 403 to a wrong signature and to a
// time more than 5 minutes off.
func NewReceipts(c ReceiptsConfig) (http.Handler, error) {
	h := receipts{now: c.Now}
	if h.now == nil {
		h.now = time.Now
	}
	key, err := parseSecret("Secret", c.Secret)
	faults := []error{smsreceipt.Check("Secret", c.Secret, nil, c.Record), err}
	h.keys = append(h.keys, key)
	if !c.OldSecret.Empty() {
		key, err = parseSecret("OldSecret", c.OldSecret)
		faults = append(faults, err)
		h.keys = append(h.keys, key)
	}
	if err := smsconfig.Join(Provider, faults...); err != nil {
		return nil, err
	}
	return smsreceipt.Handler{Methods: []string{http.MethodPost}, Record: c.Record, Read: h.read}, nil
}

func (h receipts) read(r *http.Request, body []byte) (receipt sms.DeliveryReceipt, err error) {
	id := r.Header.Get("Webhook-Id")
	unix, err := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || !usableID(id) || h.now().Sub(time.Unix(unix, 0)).Abs() > receiptTolerance {
		return receipt, smsreceipt.ErrForged
	}
	given := strings.Fields(r.Header.Get("Webhook-Signature"))
	signed := slices.ContainsFunc(h.keys, func(key []byte) bool {
		want := []byte(sign(key, id, unix, body))
		return slices.ContainsFunc(given, func(s string) bool { return smsreceipt.Equal([]byte(s), want) == nil })
	})
	if !signed {
		return receipt, smsreceipt.ErrForged
	}
	var p ReceiptPayload
	if err := json.Unmarshal(body, &p); err != nil || p.Type != ReceiptPayloadType {
		return receipt, smsreceipt.ErrMalformed
	}
	receipt = sms.DeliveryReceipt{Provider: Provider, Ref: p.Data.ID, Code: p.Data.Code}
	if p.Data.Status == sms.ReceiptDelivered || p.Data.Status == sms.ReceiptFailed {
		receipt.State = p.Data.Status
	}
	return receipt, nil
}
