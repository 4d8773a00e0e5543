package storagetest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/memory"
	"github.com/seed-16109ab2/rekey/storage/storagetest"
)

// recorder is a testing.TB that records a failure instead of failing the test.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failure runs a case and returns its failure message, or "" if it passes.
func failure(t *testing.T, c storagetest.Case, s identity.Storage) string {
	r := &recorder{TB: t}
	var wg sync.WaitGroup
	wg.Go(func() { c.Run(r, s) })
	wg.Wait()
	return r.failure
}

func caseNamed(t *testing.T, name string) storagetest.Case {
	t.Helper()
	for _, c := range storagetest.Cases() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no case %q", name)
	return storagetest.Case{}
}

// wantCaught fails the test unless the case passes with a good store, fails with the
// broken store, and says why.
func wantCaught(t *testing.T, name string, s identity.Storage) {
	t.Helper()
	c := caseNamed(t, name)
	if got := failure(t, c, memory.New()); got != "" {
		t.Fatalf("case %s fails a good store: %s", name, got)
	}
	switch got := failure(t, c, s); {
	case got == "":
		t.Errorf("case %s passes", name)
	case !strings.Contains(got, c.Why):
		t.Errorf("case %s fails without printing its why: %s", name, got)
	}
}

func TestCasesAreNamedOnceAndSayWhy(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, c := range storagetest.Cases() {
		if seen[c.Name] {
			t.Errorf("two cases are named %q", c.Name)
		}
		seen[c.Name] = true
		if len(c.Why) < 40 || strings.ContainsAny(c.Name, " \t") {
			t.Errorf("case %q: a name has no spaces and a why is a sentence, got %q", c.Name, c.Why)
		}
	}
}

// Every case must be able to fail: a fault, or one of the context tests below, must
// name it.
func TestEveryCaseHasAFault(t *testing.T) {
	t.Parallel()
	caught := map[string]bool{"Context/Deadline": true, "Context/UsersDeadline": true}
	for _, faults := range allFaults() {
		for _, f := range faults {
			for _, name := range f.cases {
				caught[name] = true
			}
		}
	}
	for _, method := range methods {
		caught[method+"/Cancelled"] = true
	}
	for _, c := range storagetest.Cases() {
		if !caught[c.Name] {
			t.Errorf("no broken store fails case %s", c.Name)
		}
	}
}

// TestSuiteCatches is the suite's own test: each store breaks one rule, and the
// case about that rule must fail.
func TestSuiteCatches(t *testing.T) {
	t.Parallel()
	for _, faults := range allFaults() {
		for _, f := range faults {
			for _, name := range f.cases {
				t.Run(f.what+"/"+name, func(t *testing.T) {
					t.Parallel()
					b := &broken{Store: memory.New()}
					f.breakIt(b)
					wantCaught(t, name, b)
				})
			}
		}
	}
}

func allFaults() [][]fault {
	return [][]fault{
		userFaults(), directoryFaults(), codeFaults(), redeemFaults(), limitFaults(), changeFaults(), purgeFaults(),
		outboxFaults(), finishFaults(), receiptFaults(), auditFaults(), valueFaults(),
	}
}

// fault is a way to break a rule, and the cases that must detect it.
type fault struct {
	what    string
	cases   []string
	breakIt func(*broken)
}

var methods = []string{
	"CreateUser", "UserByMobile", "UpdateUser", "ReplacePassword", "PasswordHistory",
	"UserByID", "ListUsers", "DeleteUser",
	"CreateClient", "ClientByID", "SetClientDisabled", "ListClients", "DeleteClient",
	"IssueCode", "ChargeAttempt", "ReleaseAttempt", "RedeemCode",
	"Spend", "LimitStates", "ChangeLimits", "Purge",
	"LeaseMessages", "FinishMessages", "RecordReceipt", "MessageStates", "Backlog",
	"AppendEvent", "Events", "Check",
}

func TestSuiteCatchesIgnoredContext(t *testing.T) {
	t.Parallel()
	for _, method := range methods {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			wantCaught(t, method+"/Cancelled", &broken{Store: memory.New(), beforeCtx: context.WithoutCancel})
		})
	}
	for _, name := range []string{"Context/Deadline", "Context/UsersDeadline"} {
		wantCaught(t, name, &broken{Store: memory.New(), beforeCtx: context.WithoutCancel})
	}
}

// A store that checks the context after its work reports a failure although the work
// was done.
func TestSuiteCatchesLateContext(t *testing.T) {
	t.Parallel()
	readers := map[string]bool{
		"UserByMobile": true, "PasswordHistory": true, "UserByID": true, "ListUsers": true, "ClientByID": true, "ListClients": true,
		"LimitStates": true, "MessageStates": true, "Backlog": true, "Events": true, "Check": true,
	}
	for _, method := range methods {
		if readers[method] {
			continue
		}
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			wantCaught(t, method+"/Cancelled", &broken{
				Store: memory.New(), beforeCtx: context.WithoutCancel, afterErr: context.Context.Err,
			})
		})
	}
}
