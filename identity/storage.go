package identity

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
)

// Storage is everything the use cases ask of a database. It is composed of
// small interfaces whose methods are steps of a use case, each with its
// atomicity written on it.
//
// What holds for every method:
//
//   - It is safe for concurrent use, also by several processes on one database.
//   - It is all or nothing: a method that returns an error has changed nothing.
//     The one exception is a connection lost while committing, when nobody can
//     know.
//   - It honours ctx: a cancelled call returns an error wrapping ctx's.
//   - "Not found" ([ErrNotFound]) and "the database is down" (any other error)
//     are never the same answer.
//   - Strings are compared byte for byte, case and accents included, and come
//     back as they were stored, whatever characters they hold.
//   - The caller passes the time. A store never asks its database for it.
//     Times are kept to the millisecond, in UTC; the zero time stays zero.
//   - Byte slices are digests or sealed; a store keeps and compares them as
//     they are and never sees a code, a password or a text in clear.
//
// The suite in storage/storagetest checks all of it.
type Storage interface {
	Users
	Clients
	VerifyCodes
	Limits
	Outbox
	Audit
}

// Users keeps people. An embedder that has its own users table serves it here;
// see [Config.Users].
type Users interface {
	// CreateUser stores a new user.
	//
	// Duplicate: [ErrAlreadyExists] when the id is taken, or the tenant already
	// has a user with that mobile number; the stored user stays as it was.
	// Concurrent calls with one number: one succeeds.
	CreateUser(ctx context.Context, u User) error

	// UserByMobile returns the user of the tenant with that E.164 number.
	//
	// Missing: [ErrNotFound]. A disabled user is returned as any other.
	UserByMobile(ctx context.Context, tenant, mobile string) (User, error)

	// UpdateUser applies the change to the user with that tenant and id.
	//
	// Missing: [ErrNotFound]. A number that another user of the tenant holds:
	// [ErrAlreadyExists]. Repeated: the same result.
	UpdateUser(ctx context.Context, change UserChange) error

	// ReplacePassword sets the password hash if the stored hash is still
	// change.OldHash, in one atomic step (compare and set), so that of two
	// concurrent replacements exactly one succeeds.
	//
	// It also remembers OldHash in the history when change.KeepHistory > 0, and
	// trims the history to that many. Missing user: [ErrNotFound]. Another hash
	// stored by now: [ErrConflict]; nothing changed.
	ReplacePassword(ctx context.Context, change PasswordChange) error

	// PasswordHistory returns at most n remembered hashes of the user, newest
	// first, the present one not among them.
	//
	// Missing user or none remembered: an empty slice and no error.
	PasswordHistory(ctx context.Context, tenant, userID string, n int) ([]string, error)
}

// Clients keeps the registered applications.
type Clients interface {
	// CreateClient stores a new client. Duplicate id: [ErrAlreadyExists]; the
	// stored client stays as it was.
	CreateClient(ctx context.Context, c Client) error

	// ClientByID returns a client. Missing: [ErrNotFound]. A disabled client is
	// returned as any other.
	ClientByID(ctx context.Context, id string) (Client, error)

	// SetClientDisabled turns a client off or on. Missing: [ErrNotFound].
	// Repeated: the same result.
	SetClientDisabled(ctx context.Context, id string, disabled bool) error
}

// VerifyCodes keeps codes, as digests. Its verbs are the moments of a code's
// life; each is one transaction, and those of one NumberKey are linearizable:
// what each of them sees and does is as if they had come one after the other.
type VerifyCodes interface {
	// IssueCode is one transaction: spend the charges as [Limits].Spend does,
	// store the code, end the oldest live codes of the same NumberKey beyond
	// issue.KeepLive (the new one counts), enqueue the message, append the event.
	// It returns what Spend returns.
	//
	// A charge refused: [*limit.Error]; nothing stored, nothing spent.
	// Duplicate code or message id: [ErrAlreadyExists]. Concurrent calls on one
	// key never exceed its limit together.
	IssueCode(ctx context.Context, issue CodeIssue) ([]limit.Spent, error)

	// ChargeAttempt pays for one guess, before anybody compares anything. In one
	// transaction, committed when it returns:
	//
	//  1. end the codes of the binding whose ExpiresAt is not after attempt.Now, so
	//     that a clock stepping back revives none, and find its live codes: Binding
	//     equal, not used, not ended, ExpiresAt ahead, Attempts below MaxAttempts;
	//  2. spend attempt.Charges, and besides them attempt.LiveCharges if a live
	//     code was found, attempt.DecoyCharges if none was, as [Limits].Spend does;
	//  3. add one to Attempts of each code found;
	//  4. return them as they are after that, oldest first, and what was spent.
	//
	// A charge refused: [*limit.Error]; nothing changed. No live code: no
	// codes and no error. Of any number of concurrent calls at most MaxAttempts
	// get to see a code.
	ChargeAttempt(ctx context.Context, attempt Attempt) (ChargedAttempt, error)

	// ReleaseAttempt takes a charged attempt back, because the guess was right but
	// could not be carried out for a reason that was not the caller's fault
	// (overload, a password rule that needs storage). One transaction: take one
	// from Attempts of each of the codes (never below 0), and refund the charges
	// that were spent at release.SpentAt (see [Limit.Refund]).
	//
	// Codes that are gone are passed over.
	ReleaseAttempt(ctx context.Context, release Release) error

	// RedeemCode is the reset's one transaction: mark the code used, if it is
	// not used, not ended and ExpiresAt is after r.Now; replace the password as
	// [Users].ReplacePassword does, unless r.Password is nil (then the users live
	// elsewhere); end every other live code of r.NumberKey; refund r.Refunds,
	// which were spent at r.SpentAt, and then clear r.Clear; append the event; enqueue the messages.
	//
	// Missing code, or one that is used, ended or over: [ErrCodeSpent]. The
	// password meanwhile changed otherwise, or the user gone: [ErrConflict] or
	// [ErrNotFound]. In each of these cases nothing has changed. Of any number of
	// concurrent calls for one code exactly one returns nil.
	RedeemCode(ctx context.Context, r Redemption) error
}

// Limits keeps the counters. What they mean is decided by [Limit]; a store
// keeps one opaque state per key and shard.
type Limits interface {
	// Spend is one transaction: read the state of every limit's key, pass each to
	// [Limit.Spend], and write all of the new states, or none of them when any
	// one refuses. The states are read under a lock, in key order, in one round
	// trip for all keys (for a limit with Shards > 1 only the shard
	// written is locked, the others are read as they are).
	//
	// Refused: a [*limit.Error] joining all refusals; nothing is spent. Concurrent
	// calls on one key never exceed its limit together. Nothing but
	// [Limits].Purge ever removes a key whose ExpiresAt lies ahead.
	Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error)

	// ClearLimits forgets the states of the keys. Missing keys: no error.
	ClearLimits(ctx context.Context, keys []limit.Key) error

	// Purge removes at most max rows of each kind that are over: codes and
	// limits past their expiry, messages finished and events recorded before the
	// given times (a zero time keeps all of that kind). It returns how many rows
	// went, over all kinds; less than max means that nothing is left of any kind.
	Purge(ctx context.Context, p Purge) (removed int, err error)
}

// Outbox hands out what was enqueued by IssueCode and RedeemCode.
type Outbox interface {
	// Enqueue stores messages outside any use case. Duplicate id: [ErrAlreadyExists].
	Enqueue(ctx context.Context, messages []OutboxMessage) error

	// LeaseMessages leases at most max messages that are pending and due
	// (NextAt not after claim.Now and no lease running), the earliest first, to
	// the caller until claim.Until, and adds one to Attempts of each.
	//
	// A message is leased to one claim at a time, also across processes; a lease
	// that ran out (its process died) makes the message due again. Nothing due:
	// an empty slice.
	LeaseMessages(ctx context.Context, lease Lease) ([]OutboxMessage, error)

	// FinishMessage records what became of a leased message: delivered, dead, or
	// pending again at another time. In a final state the sealed text is wiped
	// in the same step.
	//
	// The lease lost meanwhile (claim token differs) or the message gone:
	// [ErrConflict]; nothing changed. Repeated: [ErrConflict].
	FinishMessage(ctx context.Context, result MessageResult) error

	// RecordReceipt keeps what became of the message that r.Provider took as r.Ref
	// after it was handed over. It changes nothing else of the message: not its
	// state, and so not whether it is sent.
	//
	// The first receipt stands: another one for the same message changes nothing
	// and is no error. No message that was taken so, or an empty Provider or Ref:
	// [ErrNotFound].
	RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) error

	// MessageStates returns at most max messages with an id after the given one,
	// by id, without their sealed texts. A limit below 1 returns none.
	MessageStates(ctx context.Context, afterID string, max int) ([]OutboxMessage, error)
}

// Audit keeps who did what when.
type Audit interface {
	// AppendEvent stores one event. Duplicate id: [ErrAlreadyExists].
	AppendEvent(ctx context.Context, e Event) error

	// Events returns at most max events with an id after the given one, by id
	// (ids are time-ordered). A limit below 1 returns none.
	Events(ctx context.Context, afterID string, max int) ([]Event, error)
}

// UserChange names the user and what changes; a nil field stays as it is.
type UserChange struct {
	Tenant, ID string
	Mobile     *string // E.164
	VerifiedAt *time.Time
	Disabled   *bool
}

// PasswordChange is one compare-and-set of a password hash.
type PasswordChange struct {
	Tenant, UserID   string
	OldHash, NewHash string // PHC strings
	// ChangedAt is the new PasswordChangedAt. The zero time leaves the stored one
	// as it is: the same password, hashed anew.
	ChangedAt   time.Time
	KeepHistory int
}

// CodeIssue is one send, see [VerifyCodes].
type CodeIssue struct {
	Now      time.Time
	Charges  []limit.Limit
	Code     VerifyCode
	KeepLive int
	Message  OutboxMessage
	Event    Event
}

// Attempt is one guess, see [VerifyCodes].
type Attempt struct {
	Now     time.Time
	Binding []byte
	// NumberKey of the codes with that binding: what a store locks by, where it
	// has to.
	NumberKey    []byte
	Charges      []limit.Limit
	LiveCharges  []limit.Limit
	DecoyCharges []limit.Limit
}

// ChargedAttempt is what a guess may be compared with, see [VerifyCodes].
type ChargedAttempt struct {
	Codes []VerifyCode
	Spent []limit.Spent // Charges first, then LiveCharges or DecoyCharges
}

// Release gives an attempt back, see [VerifyCodes].
type Release struct {
	SpentAt   time.Time
	NumberKey []byte // of the codes; empty when there are none
	CodeIDs   []string
	Refunds   []limit.Limit
}

// Redemption is one reset, see [VerifyCodes].
type Redemption struct {
	Now       time.Time
	CodeID    string
	NumberKey []byte
	Password  *PasswordChange
	SpentAt   time.Time
	Refunds   []limit.Limit
	Clear     []limit.Key
	Event     Event
	Messages  []OutboxMessage
}

// Purge says what is over, see [Limits].
type Purge struct {
	Now            time.Time
	MessagesBefore time.Time
	EventsBefore   time.Time
	Max            int
}

// Claim asks for messages to deliver, see [Outbox].
type Lease struct {
	Now, Until time.Time
	Token      string // who claims: unique for each call
	Max        int
}
