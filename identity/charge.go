package identity

import (
	"encoding/base64"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/keyring"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// sharedShards spreads the counters that everybody shares, so that not one of
// their rows is locked by every transaction.
const sharedShards = 8

// streakMemory is how long a row of failures is remembered after the last one.
const streakMemory = 90 * 24 * time.Hour

// meter builds the charges of one request from the policy.
type meter struct {
	policy *LimitPolicy
	tenant string
	client string
	device string
	mobile string
	region string
	addr   netip.Addr
}

func limitKey(scope string, who ...string) limit.Key {
	return limit.Key(scope + ":" + base64.RawURLEncoding.EncodeToString(keyring.Fingerprint(who...)))
}

// addressKey counts an IPv6 address as its /64: that is what one customer gets.
func addressKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

func shared(l limit.Limit) limit.Limit {
	l.Shards = sharedShards
	l.Shard = rand.IntN(sharedShards) // spreading, not secrecy
	return l
}

func (m meter) sends() []limit.Limit {
	p := m.policy
	number := p.SendsPerNumber
	if p.SendCooldown > 0 {
		number = append([]limit.Rate{{Limit: 1, Per: p.SendCooldown}}, number...)
	}
	limits := []limit.Limit{
		{Key: limitKey("send.number", m.tenant, m.mobile), Rates: number},
		{Key: limitKey("send.address", addressKey(m.addr)), Rates: p.SendsPerAddress},
		{Key: limitKey("send.device", m.client, m.device), Rates: p.SendsPerDevice},
		shared(limit.Limit{Key: limitKey("send.client", m.client), Rates: p.SendsPerClient}),
		shared(limit.Limit{Key: limitKey("send.tenant", m.tenant), Rates: p.SendsPerTenant}),
		shared(limit.Limit{Key: "send.all", Rates: p.SendsTotal, Alarm: p.SendsAlarm}),
	}
	if rates := p.SendsPerRegion[m.region]; len(rates) > 0 {
		limits = append(limits, shared(limit.Limit{Key: limitKey("send.region", m.region), Rates: rates}))
	}
	return limits
}

// guesses are charged for every guess.
func (m meter) guesses() []limit.Limit {
	p := m.policy
	return []limit.Limit{
		{Key: limitKey("fail.address", addressKey(m.addr)), Rates: p.FailuresPerAddress},
		{Key: limitKey("fail.device", m.client, m.device), Rates: p.FailuresPerDevice},
		shared(limit.Limit{Key: limitKey("fail.client", m.client), Rates: p.FailuresPerClient}),
		shared(limit.Limit{Key: limitKey("fail.tenant", m.tenant), Rates: p.FailuresPerTenant}),
		shared(limit.Limit{Key: "fail.all", Rates: p.FailuresTotal, Alarm: p.FailuresAlarm}),
	}
}

// liveGuesses are charged besides if the device has a live code.
func (m meter) liveGuesses() []limit.Limit {
	p := m.policy
	return []limit.Limit{
		{Key: limitKey("fail.number.device", m.tenant, m.mobile, m.client, m.device), Rates: p.FailuresPerNumberAndDevice},
		{Key: limitKey("fail.number", m.tenant, m.mobile), Rates: p.FailuresPerNumber},
		{Key: m.streakKey(), Streak: &limit.Streak{LockAfter: p.ConsecutiveFailures, Forget: streakMemory}},
	}
}

func (m meter) streakKey() limit.Key { return limitKey("fail.streak", m.tenant, m.mobile) }

// decoyGuesses stand in if it has none: such a guess cannot match, so it must
// not use up the number's budget, and must not look different either. The
// counters belong to this device's idle guesses alone.
func (m meter) decoyGuesses() []limit.Limit {
	limits := m.liveGuesses()
	for i, scope := range []string{"idle.number.device", "idle.number", "idle.streak"} {
		limits[i].Key = limitKey(scope, m.tenant, m.mobile, m.client, m.device)
	}
	limits[2].Streak = &limit.Streak{Forget: 24 * time.Hour}
	return limits
}

func (m meter) logins() []limit.Limit {
	return []limit.Limit{
		{Key: m.loginKey(), Streak: &limit.Streak{Backoff: m.policy.LoginBackoff, Forget: streakMemory}},
		{Key: limitKey("login.address", addressKey(m.addr)), Rates: m.policy.LoginsPerAddress},
	}
}

func (m meter) loginKey() limit.Key { return limitKey("login.user", m.tenant, m.mobile) }
