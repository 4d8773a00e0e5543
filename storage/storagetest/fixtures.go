package storagetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

const (
	number      = "+8612345678901"
	otherNumber = "+8612345678902"
	phone       = "156aysdna213sc50"
	tablet      = "99zzydna213sc51"
	anyKey      = limit.Key("any")
	keyID       = "0f1e2d3c4b5a6978"
)

// id returns a new UUIDv7-shaped id, greater than those before it.
func (c *check) id() string {
	n := c.ids.Add(1)
	return fmt.Sprintf("018df6ea-%04x-7%03x-8000-%012x", n>>12, n&0xfff, n)
}

func digest(fields ...string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(fields, "\x1f")))
	return sum[:]
}

// phc returns a string shaped like an argon2id hash, different for each name.
func phc(name string) string {
	return fmt.Sprintf("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2E$%x", digest(name)[:8])
}

func (c *check) user(mobile string) identity.User {
	return identity.User{
		ID: c.id(), Tenant: "acme", Mobile: mobile,
		VerifiedAt: c.now.Add(-2 * time.Hour), PasswordHash: phc("old"),
		PasswordChangedAt: c.now.Add(-time.Hour), CreatedAt: c.now.Add(-3 * time.Hour),
	}
}

func (c *check) createUser(u identity.User) identity.User {
	c.TB.Helper()
	c.ok("CreateUser", c.CreateUser(c.ctx, u))
	return u
}

// wantUser ends the case unless the user is stored exactly so.
func (c *check) wantUser(what string, want identity.User) {
	c.TB.Helper()
	got, err := c.UserByMobile(c.ctx, want.Tenant, want.Mobile)
	c.ok(what+": UserByMobile", err)
	c.equal(what+": the stored user", got, want)
}

func (c *check) wantHistory(what string, u identity.User, want ...string) {
	c.TB.Helper()
	got, err := c.PasswordHistory(c.ctx, u.Tenant, u.ID, 100)
	c.ok(what+": PasswordHistory", err)
	c.equal(what+": the password history", got, want)
}

// code returns a live code for the number and device, made at c.now.
func (c *check) code(mobile, device string) identity.VerifyCode {
	id := c.id()
	return identity.VerifyCode{
		ID: id, Binding: digest("binding", mobile, device), NumberKey: digest("number", mobile), Digest: digest(id),
		KeyID: keyID, MaxAttempts: 5, CreatedAt: c.now, ExpiresAt: c.now.Add(5 * time.Minute),
	}
}

func (c *check) message() outbox.Message {
	id := c.id()
	return outbox.Message{
		ID: id, Lane: outbox.LaneCode, KeyID: keyID, Sealed: digest("sealed", id), State: outbox.Pending,
		CreatedAt: c.now, NextAt: c.now, ExpiresAt: c.now.Add(5 * time.Minute),
	}
}

func (c *check) event() audit.Event {
	return audit.Event{
		ID: c.id(), At: c.now, Type: audit.CodeSent, Outcome: "sent", Tenant: "acme", ClientID: "app",
		Purpose: string(identity.PurposeForgotPassword), Mobile: "+86*******8901", Address: "2001:db8::/64",
		ClaimedAddress: "10.10.10.1", Device: phone, OSVersion: "Android 10", Agent: "Mozilla/5.0",
	}
}

// issueOf returns the send of a code at the time it was made.
func (c *check) issueOf(code identity.VerifyCode) identity.CodeIssue {
	return identity.CodeIssue{Now: code.CreatedAt, Code: code, KeepLive: 3, Messages: []outbox.Message{c.message()}, Event: c.event()}
}

func (c *check) issue(code identity.VerifyCode) identity.VerifyCode {
	c.TB.Helper()
	_, err := c.IssueCode(c.ctx, c.issueOf(code))
	c.ok("IssueCode", err)
	return code
}

// charge makes a guess at the code's binding, free of charge, and returns what
// it may be compared with.
func (c *check) charge(code identity.VerifyCode, now time.Time) []identity.VerifyCode {
	c.TB.Helper()
	charged, err := c.ChargeAttempt(c.ctx, identity.Attempt{Now: now, Binding: code.Binding})
	c.ok("ChargeAttempt", err)
	return charged.Codes
}

// wantLive ends the case unless a guess at the code's binding sees exactly the
// codes. It costs each of them an attempt.
func (c *check) wantLive(what string, code identity.VerifyCode, now time.Time, want ...identity.VerifyCode) {
	c.TB.Helper()
	c.equal(what+": the codes a guess sees", codeIDs(c.charge(code, now)), codeIDs(want))
}

func codeIDs(codes []identity.VerifyCode) []string {
	ids := make([]string, 0, len(codes))
	for _, code := range codes {
		ids = append(ids, code.ID)
	}
	return ids
}

// redemption returns the reset of u's password to hash with a code, a minute
// after it was sent.
func (c *check) redemption(code identity.VerifyCode, u identity.User, hash string) identity.Redemption {
	now := c.now.Add(time.Minute)
	event := c.event()
	event.Type, event.At, event.UserID = audit.PasswordReset, now, u.ID
	return identity.Redemption{
		Now: now, CodeID: code.ID, NumberKey: code.NumberKey,
		Password: &identity.PasswordChange{
			Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: hash, ChangedAt: now, KeepHistory: 3,
		},
		Event: event, Messages: []outbox.Message{c.message(), c.message()},
	}
}

// perHour returns a limit of n in an hour.
func perHour(key limit.Key, n int) limit.Limit {
	return limit.Limit{Key: key, Rules: []limit.Rule{{Name: string(key), Rates: []limit.Rate{{Limit: n, Per: time.Hour}}}}}
}

// refunds take back what the limits spent at the given time.
func refunds(at time.Time, limits ...limit.Limit) (changes []limit.Change) {
	for _, l := range limits {
		changes = append(changes, limit.Change{Limit: l, SpentAt: at})
	}
	return changes
}

// clears forget all events of the limits.
func clears(limits ...limit.Limit) (changes []limit.Change) {
	for _, l := range limits {
		changes = append(changes, limit.Change{Limit: l, Clear: true})
	}
	return changes
}

// remembers make the limits' devices known.
func remembers(limits ...limit.Limit) (changes []limit.Change) {
	for _, l := range limits {
		changes = append(changes, limit.Change{Limit: l, Remember: true})
	}
	return changes
}

func (c *check) spend(now time.Time, limits ...limit.Limit) []limit.Spent {
	c.TB.Helper()
	spent, err := c.Spend(c.ctx, limits, now)
	c.ok("Spend", err)
	return spent
}

// wantRoom ends the case unless exactly n more events fit into the limit. It
// uses them up.
func (c *check) wantRoom(what string, l limit.Limit, now time.Time, n int) {
	c.TB.Helper()
	for i := range n {
		if _, err := c.Spend(c.ctx, []limit.Limit{l}, now); err != nil {
			c.Fatalf("%s: limit %q: %d more fit, want %d (%v)", what, l.Key, i, n, err)
		}
	}
	_, err := c.Spend(c.ctx, []limit.Limit{l}, now)
	if !errors.Is(unlessLimited(err), errLimited) {
		c.Fatalf("%s: limit %q: more than %d fit (error %v)", what, l.Key, n, err)
	}
}

func (c *check) events() []audit.Event {
	c.TB.Helper()
	events, err := c.Events(c.ctx, audit.Query{Max: 1000})
	c.ok("Events", err)
	return slices.DeleteFunc(events, func(e audit.Event) bool { return e.Outcome == enqueued })
}

func (c *check) messages() []outbox.Message {
	c.TB.Helper()
	messages, err := c.MessageStates(c.ctx, "", 1000)
	c.ok("MessageStates", err)
	return messages
}

// enqueued is the outcome of events that are stored only for their messages.
const enqueued = "enqueued by the suite"

// enqueue stores messages, with an event that events leaves out.
func (c *check) enqueue(messages ...outbox.Message) {
	c.TB.Helper()
	e := audit.Event{ID: c.id(), At: c.now, Type: audit.CodeSent, Outcome: enqueued}
	c.ok("AppendEvent", c.AppendEvent(c.ctx, e, messages))
}

// leaseOf asks for what message makes, for a minute.
func leaseOf(token string, now time.Time) outbox.Lease {
	return outbox.Lease{Now: now, Until: now.Add(time.Minute), Token: token, Lane: outbox.LaneCode, KeyIDs: []string{keyID}, Max: 1000}
}

// lease leases the messages of leaseOf.
func (c *check) lease(token string, now time.Time) []outbox.Message {
	c.TB.Helper()
	leased, err := c.LeaseMessages(c.ctx, leaseOf(token, now))
	c.ok("LeaseMessages", err)
	return leased
}

// finish ends the case unless the results are recorded.
func (c *check) finish(results ...outbox.Result) {
	c.TB.Helper()
	lost, err := c.FinishMessages(c.ctx, results)
	c.ok("FinishMessages", err)
	c.equal("the ids that FinishMessages returned", len(lost), 0)
}

// wantLost ends the case unless the result is skipped.
func (c *check) wantLost(what string, result outbox.Result) {
	c.TB.Helper()
	lost, err := c.FinishMessages(c.ctx, []outbox.Result{result})
	c.ok(what, err)
	c.equal(what+": the ids returned", lost, []string{result.ID})
}

func messageIDs(messages []outbox.Message) []string {
	ids := make([]string, 0, len(messages))
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	return ids
}

func eventIDs(events []audit.Event) []string {
	ids := make([]string, 0, len(events))
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// unsealed returns messages as MessageStates does.
func unsealed(messages ...outbox.Message) []outbox.Message {
	out := make([]outbox.Message, 0, len(messages))
	for _, m := range messages {
		m.Sealed = nil
		out = append(out, m)
	}
	return out
}
