// Package outbox holds the messages that are delivered after the transaction that
// stored them: SMS with codes, notices, and calls of the application's functions.
// Package identity seals and delivers the messages; a store keeps them
// (identity.Outbox) and never sees a text in clear.
package outbox

import (
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// Lane separates messages that must not wait for each other. Each lane is
// delivered by workers of its own.
type Lane string

// The lanes.
const (
	LaneCode   Lane = "code"   // SMS with a code
	LaneNotice Lane = "notice" // SMS after a reset
	LaneEvent  Lane = "event"  // calls of the application's functions
	LaneDecoy  Lane = "decoy"  // for a number that gets no SMS: nothing is sent
)

// State is where a message stands.
type State string

// The states of a message. All but pending are final.
const (
	Pending   State = "pending"
	Delivered State = "delivered" // accepted by the provider or the application's function
	Uncertain State = "uncertain" // the provider may or may not have sent it; not repeated
	Dead      State = "dead"      // refused for good, or its time ran out
)

// Final reports whether nothing more will happen to a message in this state.
func (s State) Final() bool { return s != Pending }

// Message is one thing to deliver after the transaction that stored it.
type Message struct {
	ID        string // UUIDv7; the idempotency key towards providers
	Lane      Lane
	KeyID     string // of the secret that sealed the text
	Sealed    []byte // AEAD; nil once the state is final
	State     State
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

// Lease asks for messages to deliver.
type Lease struct {
	Now, Until time.Time
	Token      string // of the holder: unique for each call
	Lane       Lane
	KeyIDs     []string // of the secrets that the caller knows
	Max        int
}

// Result is the result of one delivery.
type Result struct {
	ID          string
	LeaseToken  string
	State       State
	Now         time.Time // FinishedAt when the state is final
	NextAt      time.Time // when State is pending
	Provider    string
	ProviderRef string
	LastError   string
}

// Backlog is what waits in one lane, as a store counts it.
type Backlog struct {
	Lane    Lane
	Pending int
	// Earliest is the earliest NextAt of a pending message.
	Earliest time.Time
}

// LaneLoad is what waits in one lane, as an operator reads it.
type LaneLoad struct {
	Lane    Lane
	Pending int
	// Late is for how long the oldest message has been due; 0 if none is due.
	Late time.Duration
}
