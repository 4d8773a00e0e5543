package identity_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// A resend gives back no guesses: guesses at each of many codes end at 7 for a network
// and at 78 for all strangers, with any device, address or spelling.
func TestResendRefillsNoAttempts(t *testing.T) {
	t.Parallel()
	spellings := []string{number, "+86" + number, "+86 123-4567-8901", "0086" + number, "１２３４５６７８９０１"}
	for name, test := range map[string]struct {
		address func(i int) netip.Addr
		want    int
	}{
		"one network":   {func(int) netip.Addr { return v4(0) }, 7},
		"many networks": {v4, 78},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				evaluated := 0
				for i := range 120 {
					c := at(device(f.Caller(), i), test.address(i))
					if err := send(f, c, spellings[i%5]); err != nil {
						t.Fatal(err)
					}
					if _, limited := rateLimited(enter(f, c, spellings[(i+1)%5])); !limited {
						evaluated++
					}
				}
				if evaluated != test.want {
					t.Errorf("%d guesses evaluated, want %d", evaluated, test.want)
				}
			}, long, func(c *identity.Config) {
				many := []limit.Rate{{Limit: 1000, Per: time.Hour}}
				l := &c.Limits
				l.SendCooldown, l.SendsPerNumberAndNetwork, l.SendsPerNumber, l.SendsPerAddress, l.SendsPerNetwork = -1, many, many, many, many
			})
		})
	}
}

// Argo CD CVE-2024-21652: a flood of other keys evicted the victim's counter.
func TestFloodEvictsNoCounter(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	if err := send(f, f.Caller(), number); err != nil {
		t.Fatal(err)
	}
	rules := []limit.Rule{{Rates: []limit.Rate{{Limit: 1, Per: time.Hour}}}}
	for i := range 20_000 {
		if _, err := f.Store.Spend(t.Context(), []limit.Limit{{Key: limit.Key(fmt.Sprint("flood", i)), Rules: rules}}, f.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := rateLimited(send(f, device(f.Caller(), 1), number)); !ok {
		t.Error("the victim's counter is gone")
	}
}

// Guesses of a device without a live code can match nothing, and use up nothing of the
// number's. The codes of others, and guesses at them, harm no code.
func TestCallersDoNotUseUpOtherBudgets(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		f.SendCode(number)
		code := f.Code(e164)
		for i := range 100 {
			wantErr(t, "guess", enter(f, at(device(f.Caller(), i), v4(i)), number), identity.ErrCodeRefused)
		}
		for i := range 12 {
			c := at(device(f.Caller(), 1000+i), v4(1000+i))
			wantErr(t, "send", send(f, c, number), nil)
			for range 6 {
				_ = enter(f, c, number)
			}
		}
		if err := reset(f, f.Caller(), code, newPassword); err != nil {
			t.Errorf("the owner's code: %v", err)
		}
	}, long)
}

// asked counts look-ups of breached passwords.
type asked struct {
	n     atomic.Int64
	knows bool // all of them
}

func (a *asked) Breached(context.Context, identity.Secret) (bool, error) {
	a.n.Add(1)
	return a.knows, nil
}

// Work that ends in a refusal is limited by network before it is done. So is work for a
// number that is already locked.
func TestExpensiveWorkIsLimited(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int64{"refused passwords": 60, "a locked number": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for storeName, open := range stores {
				t.Run(storeName, func(t *testing.T) {
					t.Parallel()
					work := &asked{knows: name == "refused passwords"}
					store := open(t)
					f := identitytest.New(t, long, func(c *identity.Config) {
						c.Store, c.Breached = store, work
						c.Limits.SendCooldown, c.Limits.SendsPerNumberAndNetwork = -1, []limit.Rate{{Limit: 1000, Per: time.Hour}}
					})
					if _, err := f.CreateUser(t.Context(), identity.NewUser{Mobile: number, Verified: true, PasswordHash: identity.NewSecret(bcryptHash)}); err != nil {
						t.Fatal(err)
					}
					if !work.knows {
						for i := range 7 {
							wantErr(t, "guess", guess(f, device(f.Caller(), i), number), identity.ErrCodeRefused)
						}
					}
					wantErr(t, "send", send(f, device(f.Caller(), 100), number), nil)
					before := work.n.Load()
					for range 200 {
						_ = enter(f, device(f.Caller(), 100), number)
					}
					if n := work.n.Load() - before; n != most {
						t.Errorf("%d look-ups in 200 requests, want %d", n, most)
					}
					if _, limited := rateLimited(enter(f, at(f.Caller(), v4(5)), mobileOf(7))); limited {
						t.Error("another network is limited too")
					}
				})
			}
		})
	}
}

// stuckDecoys is a store in which decoys are never delivered.
type stuckDecoys struct{ identity.Storage }

func (s stuckDecoys) LeaseMessages(ctx context.Context, l outbox.Lease) ([]outbox.Message, error) {
	if l.Lane == outbox.LaneDecoy {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Storage.LeaseMessages(ctx, l)
}

// A burst of sends to numbers without a user delays no code, even if it never ends.
func TestBurstToUnknownNumbersDelaysNoCode(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			f := identitytest.New(t, func(c *identity.Config) { c.Store = stuckDecoys{store} })
			f.User(number, oldPassword)
			for i := range 300 {
				wantErr(t, "send to a number without a user", send(f, at(f.Caller(), v4(i)), mobileOf(i)), nil)
			}
			f.SendCode(number)
			f.Code(e164)
			if n := f.SMS.Attempts(); n != 1 {
				t.Errorf("the provider was asked %d times", n)
			}
		})
	}
}

// Sends on later days forget no guess that a limit of a week still counts.
func TestWindowsLongerThanADay(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, long, func(c *identity.Config) {
		c.Limits.FailuresPerNumberAndNetwork = []limit.Rate{{Limit: 3, Per: 7 * 24 * time.Hour}}
	})
	f.User(number, oldPassword)
	began := f.Clock.Now()
	const day = 24 * time.Hour
	for i, guesses := range []bool{true, true, true, false, false, true} {
		if err := send(f, f.Caller(), number); err != nil {
			t.Fatal(err)
		}
		if guesses {
			_, limited := rateLimited(enter(f, f.Caller(), number))
			if want := i == 5; limited != want {
				t.Errorf("day %d: limited is %t, want %t", f.Clock.Now().Sub(began)/day, limited, want)
			}
		}
		if pause := 20 * time.Minute; i < 2 {
			f.Clock.Advance(pause)
		} else {
			f.Clock.Advance(2*day - time.Hour)
		}
	}
}
