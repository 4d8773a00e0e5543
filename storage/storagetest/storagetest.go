package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Run runs every case as a subtest of t. It calls open once for each case; open
// returns an empty store and closes it with [testing.T.Cleanup].
//
// Cases run one after the other, because those about concurrency make up to 200 calls
// at the same time.
func Run(t *testing.T, open func(*testing.T) identity.Storage) {
	t.Helper()
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, open(t)) })
	}
}

// RunUsers runs only the cases about [identity.Users], for your own table of users, see
// [identity.Config].Users. It calls open once for each case; open returns an empty
// table and closes it with [testing.T.Cleanup].
func RunUsers(t *testing.T, open func(*testing.T) identity.Users) {
	t.Helper()
	for _, c := range UserCases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, usersOnly{users: open(t)}) })
	}
}

// Case is one rule of identity.Storage.
type Case struct {
	// Name is the method, a slash, and the aspect: "RedeemCode/Concurrent".
	Name string
	// Why says in a sentence what goes wrong for people if a store breaks the rule.
	Why string

	test func(*check)
}

// Run checks the rule on an empty store. If the store breaks the rule, Run fails t with
// Why in the message. Call it from the goroutine of the test, because it ends the
// goroutine on failure.
func (c Case) Run(t testing.TB, s identity.Storage) {
	t.Helper()
	c.test(&check{
		TB: t, Storage: s, why: c.Why, ctx: t.Context(),
		now: time.Date(2024, time.February, 29, 23, 59, 58, 7*int(time.Millisecond), time.UTC),
	})
}

// Cases returns every case, in the order in which [Run] runs them. Names are
// unique.
func Cases() []Case {
	return slices.Concat(
		UserCases(), directoryCases(), clientCases(),
		issueCases(), chargeCases(), releaseCases(), redeemCases(), judgedCases(),
		limitCases(), shardCases(), lookCases(), changeCases(), purgeCases(),
		outboxCases(), finishCases(), receiptCases(), auditCases(),
		cancelCases(), stringCases(), byteCases(), timeCases(), checkerCases(),
	)
}

// UserCases returns the cases about [identity.Users], in the order in which [RunUsers]
// runs them. They call only methods of [identity.Users].
func UserCases() []Case {
	return slices.Concat(userCases(), passwordCases(), userCancelCases(), userStringCases(), userTimeCases())
}

// check is one run of a case: the store under test, a fixed time, and
// assertions that end the case.
type check struct {
	testing.TB
	identity.Storage
	why string
	ctx context.Context
	now time.Time
	ids atomic.Int64
}

// Fatalf fails the case and says why its rule exists.
func (c *check) Fatalf(format string, args ...any) {
	c.TB.Helper()
	c.TB.Fatalf("%s\n\twhy: %s", fmt.Sprintf(format, args...), c.why)
}

// ok ends the case unless err is nil.
func (c *check) ok(what string, err error) {
	c.TB.Helper()
	if err != nil {
		c.Fatalf("%s: got error %q, want none", what, err)
	}
}

// is ends the case unless err wraps target.
func (c *check) is(what string, err, target error) {
	c.TB.Helper()
	if !errors.Is(err, target) {
		c.Fatalf("%s: got error %v, want %q", what, err, target)
	}
}

// refused ends the case unless err is a *LimitError naming exactly the keys.
func (c *check) refused(what string, err error, keys ...limit.Key) *limit.Error {
	c.TB.Helper()
	refusal, ok := errors.AsType[*limit.Error](err)
	if !ok {
		c.Fatalf("%s: got error %v, want a *limit.Error", what, err)
	}
	var got []limit.Key
	for _, r := range refusal.Refused {
		got = append(got, r.Key)
	}
	slices.Sort(got)
	if !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
		c.Fatalf("%s: refused by %q, want %q", what, got, keys)
	}
	if refusal.RetryAfter <= 0 {
		c.Fatalf("%s: RetryAfter is %s, want a positive time", what, refusal.RetryAfter)
	}
	return refusal
}

// equal ends the case unless got is want: times as instants given in UTC, nil
// slices as empty ones, everything else as ==.
func (c *check) equal(what string, got, want any) {
	c.TB.Helper()
	if d := diff(got, want); d != "" {
		c.Fatalf("%s: %s", what, d)
	}
}

// together calls f n times at the same time and returns what each call returned.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// winners returns which calls succeeded. An error that is not allowed ends the case,
// because an overloaded store has no excuse to answer otherwise.
func (c *check) winners(errs []error, allowed ...error) []int {
	c.TB.Helper()
	var won []int
	for i, err := range errs {
		switch {
		case err == nil:
			won = append(won, i)
		case slices.ContainsFunc(allowed, func(target error) bool { return errors.Is(err, target) }):
		default:
			c.Fatalf("one of %d concurrent calls: got error %q, want none or one of %q", len(errs), err, allowed)
		}
	}
	return won
}

// oneWinner ends the case unless exactly one call succeeded; it returns which.
func (c *check) oneWinner(errs []error, allowed ...error) int {
	c.TB.Helper()
	won := c.winners(errs, allowed...)
	if len(won) != 1 {
		c.Fatalf("%d of %d concurrent calls succeeded, want exactly 1", len(won), len(errs))
	}
	return won[0]
}

// unlessLimited replaces a *LimitError by errLimited, for winners.
func unlessLimited(err error) error {
	if _, ok := errors.AsType[*limit.Error](err); ok {
		return errLimited
	}
	return err
}

var errLimited = errors.New("limit reached")
