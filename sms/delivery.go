package sms

import "time"

// ReceiptState is whether a message arrived.
type ReceiptState string

// The states that are kept. States in between are not.
const (
	ReceiptDelivered ReceiptState = "delivered" // the phone received the message
	ReceiptFailed    ReceiptState = "failed"    // the phone will never receive it
)

// DeliveryReceipt is a provider's report about a message that it took.
type DeliveryReceipt struct {
	Provider string // as in [Accepted]; at most 64 bytes
	Ref      string // as in [Accepted]; at most 128 bytes
	State    ReceiptState
	// Code is the provider's own error code: at most 32 characters of A-Z, a-z, 0-9,
	// dot, hyphen and underscore. Any other code is left out.
	Code string
	At   time.Time // when the receipt arrived; set by the service
}
