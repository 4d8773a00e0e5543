package identity

import (
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// MessageState is where an outbox message stands.
type MessageState string

// The states of an outbox message. All but pending are final.
const (
	MessagePending   MessageState = "pending"
	MessageDelivered MessageState = "delivered" // accepted by the provider or the embedder's function
	MessageUncertain MessageState = "uncertain" // the provider may or may not have sent it; not repeated
	MessageDead      MessageState = "dead"      // refused for good, or its time ran out
)

// Final reports whether nothing more will happen to a message in this state.
func (s MessageState) Final() bool { return s != MessagePending }

// Lane separates messages that must not wait for each other. Each lane is
// delivered by workers of its own.
type Lane string

// The lanes.
const (
	LaneCode   Lane = "code"   // SMS with a code
	LaneNotice Lane = "notice" // SMS after a reset
	LaneEvent  Lane = "event"  // calls of the embedder's functions
	LaneDecoy  Lane = "decoy"  // nothing: what is written for a number that gets no SMS
)

// OutboxMessage is one thing to deliver after the transaction that stored it.
type OutboxMessage struct {
	ID        string // UUIDv7; the idempotency key towards providers
	Lane      Lane
	KeyID     string // of the secret that sealed the text
	Sealed    []byte // AEAD; nil once the state is final
	State     MessageState
	CreatedAt time.Time
	NextAt    time.Time // not before
	ExpiresAt time.Time // nothing is sent at or after this time

	Attempts    int
	LeaseToken  string    // holder of the lease, empty when none
	LeaseUntil  time.Time // end of the lease
	FinishedAt  time.Time // when the state became final
	Provider    string    // the provider that took it, once delivered
	ProviderRef string    // the provider's id of it
	LastError   string    // redacted

	// What the provider reported later, if it did, see [sms.DeliveryReceipt].
	Receipt     sms.ReceiptState
	ReceiptCode string
	ReceiptAt   time.Time
}

// MessageResult is what became of one delivery, see [Outbox].
type MessageResult struct {
	ID          string
	LeaseToken  string
	State       MessageState
	Now         time.Time // FinishedAt when the state is final
	NextAt      time.Time // when State is pending
	Provider    string
	ProviderRef string
	LastError   string
}
