package identity

import "time"

// EventType says what happened.
type EventType string

// The types of audit events.
const (
	EventCodeSent       EventType = "code.sent"       // a send was accepted; Outcome says whether a message was queued
	EventSendRefused    EventType = "send.refused"    // a queued code was not sent; Outcome says why
	EventResetRefused   EventType = "reset.refused"   // Outcome says why
	EventPasswordReset  EventType = "password.reset"  // committed together with the reset
	EventCodeRedeemed   EventType = "code.redeemed"   // a code of another purpose was used; or the first step of a reset, where Config.Users is set
	EventCodeRefused    EventType = "code.refused"    // a code of another purpose was not accepted; Outcome says why
	EventResetFailed    EventType = "reset.failed"    // its second step
	EventLoginRefused   EventType = "login.refused"   // Outcome says why
	EventUserCreated    EventType = "user.created"    //
	EventUserChanged    EventType = "user.changed"    // number, verification or enabled state
	EventUserLocked     EventType = "user.locked"     // the number takes no more guesses or logins from new devices for now; at most once an hour
	EventUserErased     EventType = "user.erased"     // by an operator
	EventUserUnlocked   EventType = "user.unlocked"   // by an operator
	EventClientCreated  EventType = "client.created"  //
	EventClientChanged  EventType = "client.changed"  //
	EventClientDeleted  EventType = "client.deleted"  //
	EventPasswordSet    EventType = "password.set"    // by the user with the old one, or by an operator; Outcome says which
	EventAlarm          EventType = "limit.alarm"     // Outcome names the limit that is filling up
	EventPasswordRehash EventType = "password.rehash" // same password, newer hash parameters
)

// Event is one line of the audit trail. It holds no code, password, hash or
// text, and the number only masked.
type Event struct {
	ID       string    `json:"id"` // UUIDv7: ids sort by time
	At       time.Time `json:"at"`
	Type     EventType `json:"type"`
	Outcome  string    `json:"outcome,omitempty"`
	Tenant   string    `json:"tenant,omitempty"`
	ClientID string    `json:"client_id,omitempty"`
	UserID   string    `json:"user_id,omitempty"`
	Purpose  Purpose   `json:"purpose,omitempty"`
	Mobile   string    `json:"mobile,omitempty"` // masked: +86*******8901
	Address  string    `json:"address,omitempty"`
	// What the caller said of itself. Claims, never proof.
	ClaimedAddress string `json:"claimed_address,omitempty"`
	Device         string `json:"device,omitempty"`
	OSVersion      string `json:"os_version,omitempty"`
	Agent          string `json:"agent,omitempty"`
}
