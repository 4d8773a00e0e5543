package identity

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// Storage is everything that the service needs from a database. It is composed of
// small interfaces. Each method is one step of a use case, and its comment says what is
// atomic.
//
// These rules hold for every method:
//
//   - It is safe for concurrent use, also by several processes on one database.
//   - It is all or nothing: a method that returns an error has changed nothing.
//     The one exception is a connection that breaks while a transaction commits:
//     then the caller cannot know.
//   - It honours ctx: a call whose context ended returns an error that wraps ctx's.
//     It also ends by itself when the database does not answer. The service gives
//     every call a deadline, see [Config.StorageTimeout].
//   - "Not found" ([ErrNotFound]) and "the database is down" (any other error)
//     are never the same answer.
//   - Strings are compared byte for byte, case and accents included, and come
//     back as they were stored, whatever characters they hold.
//   - The caller passes the time. A store never asks its database for it. Times
//     are kept to the millisecond, in UTC; the zero time stays zero.
//   - Byte slices are digests or sealed. A store keeps and compares them as they
//     are and never sees a code, a password or a text in clear.
//
// The suite in storage/storagetest checks all of it. A store may also implement
// [Checker].
type Storage interface {
	Users
	Directory
	Clients
	VerifyCodes
	Limits
	Outbox
	Audit
}

// Users keeps people. A team with its own users table serves it here, see
// [Config.Users].
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

	// ReplacePassword sets the password hash if the user still is as the change
	// says, in one atomic step (compare and set), so that of two concurrent
	// replacements exactly one succeeds. The user is as the change says if the
	// stored hash is change.OldHash and, when change.Mobile is not empty, the user
	// has that number, the number is verified, and the user is not disabled.
	//
	// The step also remembers OldHash in the history when change.KeepHistory > 0, and
	// trims the history to that many. Missing user: [ErrNotFound]. A user who
	// differs: [ErrConflict]. In both cases nothing changed.
	ReplacePassword(ctx context.Context, change PasswordChange) error

	// PasswordHistory returns at most n remembered hashes of the user, newest
	// first, without the present one.
	//
	// Missing user or none remembered: an empty slice and no error.
	PasswordHistory(ctx context.Context, tenant, userID string, n int) ([]string, error)
}

// Directory finds people by id, lists and erases them. [Config.Users] need not
// implement it; the Service's methods that need it then return [ErrUnsupported].
type Directory interface {
	// UserByID returns the user of the tenant with that id. Missing: [ErrNotFound].
	UserByID(ctx context.Context, tenant, id string) (User, error)

	// ListUsers returns at most max users of the tenant with an id after the given
	// one, by id. A max below 1 returns none.
	ListUsers(ctx context.Context, tenant, afterID string, max int) ([]User, error)

	// DeleteUser erases a person in one transaction: the user and the remembered
	// hashes go, and in audit events of that user the fields Mobile, Address,
	// ClaimedAddress, Device, OSVersion and Agent become empty. Events keep the id.
	// Missing: [ErrNotFound].
	DeleteUser(ctx context.Context, tenant, id string) error
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

	// ListClients returns at most max clients with an id after the given one, by
	// id. A max below 1 returns none.
	ListClients(ctx context.Context, afterID string, max int) ([]Client, error)

	// DeleteClient removes a client. Missing: [ErrNotFound].
	DeleteClient(ctx context.Context, id string) error
}

// VerifyCodes keeps codes, as digests. Each method is one transaction. The calls of one
// NumberKey are linearizable: they have the results that they would have if they came
// one after the other.
type VerifyCodes interface {
	// IssueCode is one transaction. It spends issue.Charges as [Limits].Spend does;
	// if issue.Replace is set, it ends the codes with the code's own Binding, also expired ones;
	// it stores the code, ends the oldest live codes of the same NumberKey beyond
	// issue.KeepLive (the new one counts and stays, also if its CreatedAt is older),
	// enqueues the messages and appends the event. It returns what Spend returns.
	//
	// A charge refused: [*limit.Error]; nothing stored, nothing spent.
	// Duplicate code or message id: [ErrAlreadyExists]. Concurrent calls on one
	// key never exceed its limit together.
	IssueCode(ctx context.Context, issue CodeIssue) ([]limit.Spent, error)

	// ChargeAttempt charges one guess before anything is compared. In one
	// transaction, committed when it returns, it
	//
	//  1. ends the codes of the binding whose ExpiresAt is not after attempt.Now, so
	//     that a clock that steps back revives none, and finds the live codes:
	//     Binding equal, not used, not ended, ExpiresAt ahead, Attempts below
	//     MaxAttempts;
	//  2. spends attempt.Charges, and attempt.LiveCharges too if a live code was
	//     found, as [Limits].Spend does;
	//  3. adds one to Attempts of each code found;
	//  4. returns these codes as they are after that, oldest first, and what was
	//     spent. If attempt.Providers is set, each code's Provider is that of the
	//     message with the code's id; empty if there is none, or none took it yet.
	//     This read takes no lock.
	//
	// A charge refused: [*limit.Error]; nothing changed but the codes that step 1
	// ended may be ended. No live code: no codes and no error. Of any number of
	// concurrent calls at most MaxAttempts get to see a code.
	ChargeAttempt(ctx context.Context, attempt Attempt) (ChargedAttempt, error)

	// ReleaseAttempt takes a charged attempt back, because the guess was right but
	// could not be carried out for a reason that was not the caller's fault, such
	// as overload. One transaction: take one from Attempts of each of the codes
	// (never below 0), and apply the changes.
	//
	// Codes that no longer exist are skipped.
	ReleaseAttempt(ctx context.Context, release Release) error

	// RedeemCode is the one transaction of a reset. It marks the code used, if it
	// is not used, not ended, and ExpiresAt is after r.Now; checks that the client
	// r.ClientID exists and is not disabled, unless r.ClientID is empty; replaces
	// the password as [Users].ReplacePassword does, unless r.Password is nil;
	// updates the user as [Users].UpdateUser does, unless r.User is nil; ends every
	// other live code of r.NumberKey; applies the changes as [Limits].ChangeLimits
	// does; appends the event; and enqueues the messages.
	//
	// Missing code, or one that is used, ended or expired: [ErrCodeSpent]. Client
	// gone or disabled, or a user who differs from what r.Password says:
	// [ErrConflict]. User gone: [ErrNotFound]. A number that another user holds:
	// [ErrAlreadyExists]. In each of these cases nothing has changed. Of any number
	// of concurrent calls for one code exactly one returns nil.
	RedeemCode(ctx context.Context, r Redemption) error
}

// Limits keeps the states of limits: one opaque state for each key and shard. Package
// limit decides what they mean.
type Limits interface {
	// Spend is one transaction: read the state of every limit's key, pass each to
	// [limit.Limit.Spend], and write all of the new states, or none of them when
	// any one refuses. The states are read under a lock, in key order (for a limit
	// with Shards > 1 only the shard written is locked, the others are read as they
	// are).
	//
	// Refused: a [*limit.Error] joining all refusals; nothing is spent. Concurrent
	// calls on one key never exceed its limit together. Nothing but Purge removes a
	// key whose ExpiresAt lies ahead.
	Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error)

	// LimitStates returns the states of all shards of each key, for
	// [limit.Limit.Look]. Keys without a state are absent. It takes no lock.
	LimitStates(ctx context.Context, keys []limit.Key) (map[limit.Key][][]byte, error)

	// ChangeLimits is one transaction: read the state of every change's key and
	// shard under a lock, in key order, pass it (nil for a key without one) to
	// [limit.Change.Apply], and write the result. A change that clears applies to
	// every shard. Changes of one key apply one after the other.
	ChangeLimits(ctx context.Context, changes []limit.Change, now time.Time) error

	// Purge removes at most p.Max expired rows of each kind: codes and limits past
	// their expiry, messages finished and events recorded before the given times (a
	// zero time keeps all of that kind). It returns how many rows of all kinds it
	// removed; less than p.Max means that no expired row of any kind is left.
	Purge(ctx context.Context, p Purge) (removed int, err error)
}

// Outbox hands out the messages that other steps enqueued.
type Outbox interface {
	// LeaseMessages leases to the caller, until lease.Until, at most lease.Max
	// messages of lease.Lane that are pending and due (NextAt not after lease.Now
	// and no lease running) and whose KeyID is one of lease.KeyIDs, the earliest
	// first, and adds one to Attempts of each.
	//
	// A message is leased to one caller at a time, also across processes. A lease
	// that ran out, because its process died, makes the message due again. Nothing
	// due: an empty slice.
	LeaseMessages(ctx context.Context, lease outbox.Lease) ([]outbox.Message, error)

	// FinishMessages records in one transaction the new states of leased messages:
	// delivered, uncertain, dead, or pending again at another time. In a final
	// state the sealed text is removed in the same step.
	//
	// A message whose lease was lost meanwhile (the token differs), or that no longer
	// exists, is skipped, and its id is among those returned. Repeated: likewise.
	FinishMessages(ctx context.Context, results []outbox.Result) (lost []string, err error)

	// RecordReceipt stores what r.Provider reported about the message that it took as
	// r.Ref. It changes nothing else of the message: not its state, and so not whether
	// it is sent.
	//
	// Only the first receipt counts: another one for the same message changes nothing
	// and is no error. No message with that Provider and Ref, or an empty Provider or
	// Ref: [ErrNotFound].
	RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) error

	// MessageStates returns at most max messages with an id after the given one,
	// by id, without their sealed texts. A max below 1 returns none.
	MessageStates(ctx context.Context, afterID string, max int) ([]outbox.Message, error)

	// Backlog returns, for each lane that has pending messages, how many there are
	// and the earliest NextAt among them. Leased messages count.
	Backlog(ctx context.Context) ([]outbox.Backlog, error)
}

// Audit keeps the audit trail: who did what, and when.
type Audit interface {
	// AppendEvent stores one event and enqueues the messages, in one transaction.
	// Duplicate id: [ErrAlreadyExists].
	AppendEvent(ctx context.Context, e audit.Event, messages []outbox.Message) error

	// Events returns at most q.Max events that q selects, by id (ids are
	// time-ordered). A Max below 1 returns none.
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
}

// Checker is implemented by stores that can report whether they are ready.
type Checker interface {
	// Check returns nil if the schema is complete, neither behind nor ahead of this
	// version, and a write would be accepted. It changes nothing. The error says
	// what is wrong and what to do.
	Check(ctx context.Context) error
}

// Concurrent is implemented by stores that can tell how many calls are of use at the
// same time. The use cases of one process keep to it.
type Concurrent interface {
	// Concurrency is the number of connections, or of calls that one transaction
	// commits together. 0 means that the store does not know.
	Concurrency() int
}

// LimitSharder is implemented by stores that can tell over how many rows to spread a
// counter that all requests share (see [limit.Limit.Shards]). Other stores get 8.
type LimitSharder interface {
	// LimitShards is 1 where transactions run one after the other anyway. More rows
	// let more transactions run at the same time, but each reads all of them.
	LimitShards() int
}
