package identity_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/sms"
)

// siege is an attacker who spends all that the limits let through, with any device,
// purpose, client and tenant.
type siege struct {
	t       testing.TB
	f       *identitytest.Fixture
	network func(i int) netip.Addr
	width   int // number of networks
	n       int
}

var allPurposes = []identity.Purpose{identity.PurposeForgotPassword, identity.PurposeLogin, identity.PurposeRegister,
	identity.PurposeBindMobile, identity.PurposeUpdateMobile, identity.PurposeResetOTP}

// strike lets each network send, guess and sign in, with a new device each time.
func (s *siege) strike() {
	ctx := context.Background()
	for i := range s.width {
		s.n++
		c := at(device(s.f.Caller(), 1000+s.n), s.network(i))
		for range 3 {
			_ = signIn(s.f, c, number, newPassword)
		}
		p := allPurposes[s.n%len(allPurposes)]
		switch s.n % 4 {
		case 0:
			c.ClientID = "other"
		case 1:
			c.ClientID, c.TenantID = "many", fmt.Sprint("tenant-", s.n%7)
		}
		_ = s.f.SendVerifyCode(ctx, identity.SendRequest{Caller: c, Mobile: number, Purpose: p})
		for range 6 {
			if p == identity.PurposeForgotPassword {
				_ = enter(s.f, c, number)
			} else {
				_, _ = s.f.RedeemVerifyCode(ctx, identity.RedeemRequest{Caller: c, Mobile: number, Purpose: p, Code: identity.NewSecret("0000000000"), UserID: "u"})
			}
		}
	}
	settled(s.t, s.f)
}

// phone belongs to the owner. It tells the owner's codes from the attacker's by their
// language.
type phone struct{ codes chan string }

func (p phone) Send(_ context.Context, m sms.Message) (sms.Accepted, error) {
	if m.Kind == sms.KindVerifyCode && m.Language == "zh" {
		p.codes <- m.Params["code"]
	}
	return sms.Accepted{Provider: "phone"}, nil
}

// besieged returns a service with all purposes and several clients.
func besieged(t *testing.T, open func(testing.TB) identity.Storage) (*identitytest.Fixture, phone) {
	t.Helper()
	p := phone{make(chan string, 1000)}
	store := open(t)
	f := identitytest.New(t, long, func(c *identity.Config) {
		c.Store, c.SMS, c.Purposes = store, p, allPurposes
	})
	for _, c := range []identity.Client{{ID: "other"}, {ID: "many", MultiTenant: true}} {
		if err := f.RegisterClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	f.User(number, oldPassword)
	return f, p
}

// visit does what an owner does: signs in, asks for a code, and uses it. The attacker
// strikes in between.
func visit(f *identitytest.Fixture, p phone, c identity.Caller, strike func()) error {
	c.Language = "zh"
	if err := signIn(f, c, number, oldPassword); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	if err := send(f, c, number); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	strike()
	select {
	case code := <-p.codes:
		if err := reset(f, c, code, oldPassword); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	case <-time.After(patience):
		return fmt.Errorf("no code arrived")
	}
	return nil
}

// An attacker has one IPv4 address or one IPv6 /48, or ten networks. This attacker
// keeps an owner on another network from nothing, whether the owner has a new device
// each time or a known device.
func TestOwnerElsewhereIsNeverRefused(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a siege takes seconds: run it without -short")
	}
	for name, s := range map[string]siege{
		"one IPv4 address": {network: func(int) netip.Addr { return v4(1) }, width: 4},
		"one IPv6 /48":     {network: v6, width: 4},
		"ten networks":     {network: func(i int) netip.Addr { return v4(1 + i) }, width: 10},
	} {
		for storeName, open := range stores {
			t.Run(name+"/"+storeName, func(t *testing.T) {
				t.Parallel()
				f, p := besieged(t, open)
				s := s
				s.t, s.f = t, f
				old := at(device(f.Caller(), 0), v4(500))
				if err := signIn(f, old, number, oldPassword); err != nil {
					t.Fatal(err)
				}
				rounds := 5
				if storeName == "sqlite" {
					rounds = 2
				}
				for round := range rounds {
					for range 3 {
						s.strike()
						f.Clock.Advance(61 * time.Second)
					}
					owner := at(device(f.Caller(), 1+round), v4(501+round))
					if err := visit(f, p, owner, s.strike); err != nil {
						t.Errorf("round %d, on a new device: %v", round, err)
					}
					f.Clock.Advance(time.Second)
					if err := visit(f, p, at(old, v4(600+round)), s.strike); err != nil {
						t.Errorf("round %d, on a known device: %v", round, err)
					}
					f.Clock.Advance(170 * time.Minute)
				}
			})
		}
	}
}

// Whatever an attacker has, no number sees more than 100 judged guesses in a day. This
// attacker has 100 networks, as many devices as it likes, and even the owner's known
// devices.
func TestAtMostAHundredGuessesADay(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a siege takes seconds: run it without -short")
	}
	f := identitytest.New(t, long, func(c *identity.Config) {
		c.SMS = phone{make(chan string, 1)}
	})
	f.User(number, oldPassword)
	for i := range 8 {
		if err := signIn(f, at(device(f.Caller(), i), v4(i)), number, oldPassword); err != nil {
			t.Fatal(err)
		}
	}
	for name, call := range map[string]func(i int) error{
		"code": func(i int) error {
			c := at(device(f.Caller(), i), v4(i%100))
			_ = send(f, c, number)
			return enter(f, c, number)
		},
		"login": func(i int) error {
			return signIn(f, at(device(f.Caller(), i), v4(i%100)), number, newPassword)
		},
	} {
		var judged []time.Time
		var judge judge
		judge.count(t, f)
		n := 0
		for range 26 { // hours
			for i := range 48 {
				device := i - 8 // known devices first
				if device < 0 {
					device += 8
				} else {
					n++
					device = 100 + n
				}
				before := judge.n
				_ = call(device)
				if judge.count(t, f) > before {
					judged = append(judged, f.Clock.Now())
				}
			}
			settled(t, f)
			f.Clock.Advance(time.Hour)
		}
		most := 0
		for i, from := range judged {
			in := 0
			for _, at := range judged[i:] {
				if at.Before(from.Add(24 * time.Hour)) {
					in++
				}
			}
			most = max(most, in)
		}
		if most > 100 || most < 90 {
			t.Errorf("%s: %d judged guesses in a day, want at most 100, and not much fewer", name, most)
		}
		f.Clock.Advance(48 * time.Hour)
	}
}

// judge counts the events of wrong codes and failed logins as they happen.
type judge struct {
	after string
	n     int
}

func (j *judge) count(t *testing.T, f *identitytest.Fixture) int {
	t.Helper()
	for {
		page, err := f.Events(t.Context(), audit.Query{AfterID: j.after, Max: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return j.n
		}
		for _, e := range page {
			if e.Type == audit.LoginRefused || e.Type == audit.ResetRefused && e.Outcome == "wrong code" {
				j.n++
			}
		}
		j.after = page[len(page)-1].ID
	}
}

// A hundred networks use up all limits of strangers. No wait is longer than a day, and
// after a day without an attack there are no waits.
func TestNothingLocksForLongerThanADay(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a siege takes seconds: run it without -short")
	}
	for storeName, open := range stores {
		t.Run(storeName, func(t *testing.T) {
			t.Parallel()
			f, p := besieged(t, open)
			s := siege{t: t, f: f, network: func(i int) netip.Addr { return v4(1 + i) }, width: 60}
			s.strike()
			f.Clock.Advance(time.Hour)
			s.strike()
			owner := at(device(f.Caller(), 1), v4(500))
			for what, call := range map[string]func() error{
				"login": func() error { return signIn(f, owner, number, oldPassword) },
				"send":  func() error { return send(f, owner, number) },
				"reset": func() error { return enter(f, owner, number) },
			} {
				if wait, ok := rateLimited(call()); !ok || wait > 24*time.Hour {
					t.Errorf("%s: limited %v, for %s", what, ok, wait)
				}
			}
			if err := f.Unlock(t.Context(), "", number); err != nil {
				t.Fatal(err)
			}
			if err := visit(f, p, owner, func() {}); err != nil {
				t.Errorf("after Unlock: %v", err)
			}
			s.strike()
			f.Clock.Advance(24 * time.Hour)
			if err := visit(f, p, at(device(f.Caller(), 2), v4(501)), func() {}); err != nil {
				t.Errorf("after a day: %v", err)
			}
		})
	}
}
