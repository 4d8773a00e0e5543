// Package audit holds the entries of the audit trail: who did what, when, and with
// which result. Package identity writes them in the transaction of the change that
// they report, a store keeps them (identity.Audit), and Config.OnEvent receives them.
package audit

import (
	"fmt"
	"slices"
	"time"
)

// Type says what happened.
type Type string

// The types of events.
const (
	CodeSent       Type = "code.sent"       // a send was accepted; Outcome says whether a message was queued
	SendRefused    Type = "send.refused"    // a queued code was not sent; Outcome says why
	ResetRefused   Type = "reset.refused"   // Outcome says why
	PasswordReset  Type = "password.reset"  // committed together with the reset
	CodeRedeemed   Type = "code.redeemed"   // a code of another purpose was used; or the first step of a reset, where Config.Users is set
	CodeRefused    Type = "code.refused"    // a code of another purpose was not accepted; Outcome says why
	ResetFailed    Type = "reset.failed"    // the second step of a reset, where Config.Users is set
	LoginRefused   Type = "login.refused"   // Outcome says why
	UserCreated    Type = "user.created"    //
	UserChanged    Type = "user.changed"    // number, verification or enabled state
	UserLocked     Type = "user.locked"     // the number takes no more guesses or logins from new devices for now; at most once an hour
	UserErased     Type = "user.erased"     // by an operator
	UserUnlocked   Type = "user.unlocked"   // by an operator
	ClientCreated  Type = "client.created"  //
	ClientChanged  Type = "client.changed"  //
	ClientDeleted  Type = "client.deleted"  //
	PasswordSet    Type = "password.set"    // by the user with the old one, or by an operator; Outcome says which
	LimitAlarm     Type = "limit.alarm"     // Outcome names the limit that is filling up
	PasswordRehash Type = "password.rehash" // same password, newer hash parameters
)

var types = []Type{
	CodeSent, SendRefused, ResetRefused, PasswordReset, CodeRedeemed, CodeRefused, ResetFailed, LoginRefused, UserCreated, UserChanged,
	UserLocked, UserErased, UserUnlocked, ClientCreated, ClientChanged, ClientDeleted, PasswordSet, LimitAlarm, PasswordRehash,
}

// Known reports whether the type is one of the constants of this package.
func (t Type) Known() bool { return slices.Contains(types, t) }

// Event is one line of the audit trail. It holds no code, password, hash or
// text, and the number only masked.
type Event struct {
	ID       string    `json:"id"` // UUIDv7: ids sort by time
	At       time.Time `json:"at"`
	Type     Type      `json:"type"`
	Outcome  string    `json:"outcome,omitempty"`
	Tenant   string    `json:"tenant,omitempty"`
	ClientID string    `json:"client_id,omitempty"`
	UserID   string    `json:"user_id,omitempty"`
	Purpose  string    `json:"purpose,omitempty"` // of the code, such as "FORGET_PWD_SMS"; empty where no code is concerned
	Mobile   string    `json:"mobile,omitempty"`  // masked: +86*******8901
	Address  string    `json:"address,omitempty"`
	// What the caller said about itself, without proof.
	ClaimedAddress string `json:"claimed_address,omitempty"`
	Device         string `json:"device,omitempty"`
	OSVersion      string `json:"os_version,omitempty"`
	Agent          string `json:"agent,omitempty"`
}

// Query selects events of the trail. The zero Query selects none, because its Max
// is 0.
type Query struct {
	AfterID string // events with an id after this one
	Tenant  string // with UserID: the tenant of the user
	UserID  string // events of this user alone; empty for all
	// Before, when not zero, leaves out events whose id was made at that time or later.
	// Ids are made when an event is recorded, which may be seconds after its At. AfterID
	// goes by them too, so a reader who follows the trail and stays some seconds behind
	// the present misses no event. Compare with [FirstID].
	Before time.Time
	Max    int // how many at most; below 1 selects none
}

// FirstID returns the least id that an event recorded at t can have, to the millisecond.
// For times before 1970 it is that of 1970.
func FirstID(t time.Time) string {
	ms := uint64(max(t.UnixMilli(), 0)) & (1<<48 - 1)
	return fmt.Sprintf("%08x-%04x-7000-8000-000000000000", ms>>16, ms&0xffff)
}
