package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Callers for the tests of limits.

// v4 returns the i-th of unrelated IPv4 addresses, v6 the i-th /64 of one IPv6 /48.
func v4(i int) netip.Addr { return netip.AddrFrom4([4]byte{byte(20 + i>>8), byte(i), 7, 1}) }
func v6(i int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:1:%x::%x", i, i+1))
}

func at(c identity.Caller, a netip.Addr) identity.Caller { c.Address = a; return c }

func mobileOf(i int) string { return fmt.Sprintf("138%08d", i) }

// enter enters a wrong code. Where a code must not be right by chance, codes have ten
// digits.
func enter(f *identitytest.Fixture, c identity.Caller, mobile string) error {
	return f.ResetByMobile(context.Background(), identity.ResetRequest{
		Caller: c, Mobile: mobile, Code: identity.NewSecret("0000000000"), Password: identity.NewSecret(newPassword),
	})
}

// guess asks for a code and enters a wrong one.
func guess(f *identitytest.Fixture, c identity.Caller, mobile string) error {
	if err := send(f, c, mobile); err != nil {
		return fmt.Errorf("send before the guess: %w", err)
	}
	return enter(f, c, mobile)
}

func signIn(f *identitytest.Fixture, c identity.Caller, mobile, password string) error {
	_, err := f.Authenticate(context.Background(), identity.LoginRequest{
		Mobile: mobile, Password: identity.NewSecret(password), Address: c.Address, Device: c.Device, ClientID: c.ClientID,
	})
	return err
}

// long makes codes so long that no guess of a test is right.
func long(c *identity.Config) { c.CodeDigits = 10 }

// known makes the owner's device a known device of the number.
func known(t testing.TB, f *identitytest.Fixture, owner identity.Caller) {
	t.Helper()
	if err := signIn(f, owner, number, oldPassword); err != nil {
		t.Fatal(err)
	}
}

// rule is one rate, or bucket, of the policy, and calls that count only against it.
type rule struct {
	field func(*identity.LimitPolicy) any
	call  func(f *identitytest.Fixture, i int) error
	// right is the result of a call that is let through.
	right error
}

var errPassword = errors.New("password refused")

func weak(f *identitytest.Fixture, c identity.Caller) error {
	err := reset(f, c, "123456", "password")
	if _, ok := errors.AsType[*identity.PasswordError](err); ok {
		return errPassword
	}
	return err
}

func rules() map[string]rule {
	type fx = identitytest.Fixture
	type policy = identity.LimitPolicy
	sends := func(f *fx, i int, a netip.Addr) error { return send(f, at(device(f.Caller(), i), a), mobileOf(i)) }
	fails := func(f *fx, i int, a netip.Addr) error { return enter(f, at(device(f.Caller(), i), a), mobileOf(i)) }
	signIns := func(f *fx, i int, a netip.Addr) error {
		return signIn(f, at(device(f.Caller(), i), a), mobileOf(i), newPassword)
	}
	refusals := func(f *fx, i int, a netip.Addr) error { return weak(f, at(device(f.Caller(), i), a)) }
	same := netip.MustParseAddr("203.0.113.9")
	neighbour := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}) }
	same64 := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2001:db8:1:1::%x", i+1)) }
	same56 := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2001:db8:1:1%02x::1", i%250)) }
	owner := func(f *fx, i int) identity.Caller { return at(device(f.Caller(), 0), v4(i)) } // the known device
	all := map[string]rule{
		"sends per number and network": {func(p *policy) any { return &p.SendsPerNumberAndNetwork },
			func(f *fx, i int) error { return send(f, at(device(f.Caller(), i+1), same), number) }, nil},
		"sends per number and IPv6 /48": {func(p *policy) any { return &p.SendsPerNumberAndNetwork },
			func(f *fx, i int) error { return send(f, at(device(f.Caller(), i+1), v6(i)), number) }, nil},
		"sends per number": {func(p *policy) any { return &p.SendsPerNumber },
			func(f *fx, i int) error { return send(f, at(device(f.Caller(), i+1), v4(i)), number) }, nil},
		"sends per known device": {func(p *policy) any { return &p.SendsPerKnownDevice },
			func(f *fx, i int) error { return send(f, owner(f, i), number) }, nil},
		"wrong codes per number and network": {func(p *policy) any { return &p.FailuresPerNumberAndNetwork },
			func(f *fx, i int) error { return guess(f, at(device(f.Caller(), i+1), same), number) }, identity.ErrCodeRefused},
		"wrong codes per number": {func(p *policy) any { return &p.FailuresPerNumber },
			func(f *fx, i int) error { return guess(f, at(device(f.Caller(), i+1), v4(i)), number) }, identity.ErrCodeRefused},
		"wrong codes per known device": {func(p *policy) any { return &p.FailuresPerKnownDevice },
			func(f *fx, i int) error { return guess(f, owner(f, i), number) }, identity.ErrCodeRefused},
		"wrong codes in total": {func(p *policy) any { return &p.FailuresTotal },
			func(f *fx, i int) error { return guess(f, at(device(f.Caller(), i+1), v4(i)), number) }, identity.ErrCodeRefused},
		"logins per number and network": {func(p *policy) any { return &p.LoginsPerNumberAndNetwork },
			func(f *fx, i int) error { return signIn(f, at(device(f.Caller(), i+1), same), number, newPassword) }, identity.ErrWrongCredentials},
		"logins per number": {func(p *policy) any { return &p.LoginsPerNumber },
			func(f *fx, i int) error { return signIn(f, at(device(f.Caller(), i+1), v4(i)), number, newPassword) }, identity.ErrWrongCredentials},
		"logins per known device": {func(p *policy) any { return &p.LoginsPerKnownDevice },
			func(f *fx, i int) error { return signIn(f, owner(f, i), number, newPassword) }, identity.ErrWrongCredentials},
	}
	for what, k := range map[string]struct {
		address, subnet, network func(*policy) any
		call                     func(*fx, int, netip.Addr) error
		right                    error
	}{
		"sends": {func(p *policy) any { return &p.SendsPerAddress }, func(p *policy) any { return &p.SendsPerSubnet },
			func(p *policy) any { return &p.SendsPerNetwork }, sends, nil},
		"wrong codes": {func(p *policy) any { return &p.FailuresPerAddress }, func(p *policy) any { return &p.FailuresPerSubnet },
			func(p *policy) any { return &p.FailuresPerNetwork }, fails, identity.ErrCodeRefused},
		"logins": {func(p *policy) any { return &p.LoginsPerAddress }, func(p *policy) any { return &p.LoginsPerSubnet },
			func(p *policy) any { return &p.LoginsPerNetwork }, signIns, identity.ErrWrongCredentials},
		"refusals": {func(p *policy) any { return &p.RefusalsPerAddress }, func(p *policy) any { return &p.RefusalsPerSubnet },
			func(p *policy) any { return &p.RefusalsPerNetwork }, refusals, errPassword},
	} {
		on := func(a func(int) netip.Addr) func(*fx, int) error {
			return func(f *fx, i int) error { return k.call(f, i, a(i)) }
		}
		all[what+" per address"] = rule{k.address, on(func(int) netip.Addr { return same }), k.right}
		all[what+" per IPv6 /64"] = rule{k.address, on(same64), k.right}
		all[what+" per IPv6 /56"] = rule{k.subnet, on(same56), k.right}
		all[what+" per IPv4 /24"] = rule{k.network, on(neighbour), k.right}
		all[what+" per IPv6 /48"] = rule{k.network, on(v6), k.right}
	}
	return all
}

// Each limit on its own lets its count through and not one more. After RetryAfter, and
// not before, it lets the next call through.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, r := range rules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 4
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				f.User(number, oldPassword)
				known(t, f, device(f.Caller(), 0))
				i := 0
				call := func() error { i++; return r.call(f, i) }
				for passed := range n {
					if err := call(); !errors.Is(err, r.right) {
						t.Fatalf("call %d of %d: %v, want %v", passed+1, n, err, r.right)
					}
					f.Clock.Advance(time.Millisecond)
				}
				for range 3 {
					wait, ok := rateLimited(call())
					if !ok || wait > time.Hour {
						t.Fatalf("call %d is limited: %v, for %s", n+1, ok, wait)
					}
					settled(t, f)
					f.Clock.Advance(wait - time.Millisecond)
					if _, ok := rateLimited(call()); !ok {
						t.Fatalf("passes before RetryAfter (%s)", wait)
					}
					f.Clock.Advance(time.Millisecond)
					if err := call(); !errors.Is(err, r.right) {
						t.Fatalf("after RetryAfter (%s): %v, want %v", wait, err, r.right)
					}
				}
			}, long, identitytest.Lift, func(c *identity.Config) {
				switch field := r.field(&c.Limits).(type) {
				case *[]limit.Rate:
					*field = []limit.Rate{{Limit: n, Per: time.Hour}}
				case *limit.Bucket:
					*field = limit.Bucket{Burst: n, Every: time.Hour}
				}
			})
		})
	}
}

func TestSendCooldown(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		owner := at(device(f.Caller(), 0), v4(0))
		known(t, f, owner)
		for who, caller := range map[string]func(i int) identity.Caller{
			"network":      func(i int) identity.Caller { return at(device(f.Caller(), i+1), v4(1)) },
			"known device": func(i int) identity.Caller { return at(owner, v4(i+2)) },
		} {
			if err := send(f, caller(0), number); err != nil {
				t.Errorf("%s: %v", who, err)
			}
			if wait, _ := rateLimited(send(f, caller(1), number)); wait != time.Minute {
				t.Errorf("%s: a second send has to wait %s", who, wait)
			}
			settled(t, f)
			f.Clock.Advance(time.Minute)
			if err := send(f, caller(2), number); err != nil {
				t.Errorf("%s, after a minute: %v", who, err)
			}
		}
	})
}
