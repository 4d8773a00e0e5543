package identity

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/keyring"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// The kinds of events in the states of limits. The numbers are stored.
const (
	kindSend limit.Kind = iota + 1
	kindGuess
	kindLogin
	kindRefusal
	kindMoney
	kindUnredeemed
)

// numberRetain returns how long any event of a number matters: the longest window of the
// limits that share a number's state.
func numberRetain(p *LimitPolicy) time.Duration {
	longest := p.SendCooldown
	for _, rates := range [][]limit.Rate{
		p.SendsPerNumberAndNetwork, p.SendsPerNumber, p.SendsPerKnownDevice, p.FailuresPerNumberAndNetwork, p.FailuresPerNumber,
		p.LoginsPerNumberAndNetwork, p.LoginsPerNumber,
	} {
		for _, r := range rates {
			longest = max(longest, r.Per)
		}
	}
	for _, b := range []limit.Bucket{p.FailuresPerKnownDevice, p.LoginsPerKnownDevice} {
		longest = max(longest, time.Duration(b.Burst)*b.Every)
	}
	return longest
}

// usualShards is over how many rows a counter is spread that all requests share, unless
// the store is a [LimitSharder].
const usualShards = 8

// shardsOf returns over how many rows the store wants such a counter spread.
func shardsOf(store Storage) int {
	if s, ok := store.(LimitSharder); ok {
		return max(s.LimitShards(), 1)
	}
	return usualShards
}

// meter makes the limits that a step spends.
type meter struct {
	policy *LimitPolicy
	budget *BudgetPolicy
	keys   *keyring.Ring
	shards int // of a counter that all requests share
	retain time.Duration
}

// subject is the subject by which the limits of a request count.
type subject struct {
	tenant, client, device string
	number                 mobile.Number
	account                string // if there is no number
	address                netip.Addr
}

// of returns the subject by which one person's limits count: the number, or else the account.
func (s subject) of() []string {
	if s.number.IsZero() && s.account != "" {
		return []string{s.tenant, "", s.account}
	}
	return []string{s.tenant, s.number.E164()}
}

func (m meter) key(scope string, who ...string) limit.Key {
	return limit.Key(scope + ":" + base64.RawURLEncoding.EncodeToString(m.keys.RowKey(append([]string{scope}, who...)...)))
}

func (m meter) digest(what string, who ...string) []byte {
	return m.keys.RowKey(append([]string{what}, who...)...)
}

func (m meter) mark(what, who string) uint32 {
	return max(binary.BigEndian.Uint32(m.digest(what, who)), 1)
}

// device returns the id by which a known device is recognised. It includes the client: the
// same device of another client is another device.
func (m meter) device(s subject) uint64 {
	if s.device == "" {
		return 0
	}
	return max(binary.BigEndian.Uint64(m.digest("device", s.client, s.device)), 1)
}

// network is an address at three widths.
type network struct{ address, subnet, wide string }

// networkOf returns the three widths that limits count by: an IPv4 address and its /24, or
// an IPv6 /64, /56 and /48. One customer gets between a /64 and a /48.
func networkOf(a netip.Addr) network {
	a = a.Unmap().WithZone("")
	prefix := func(bits int) string {
		p, err := a.Prefix(bits)
		if err != nil {
			return ""
		}
		return p.String()
	}
	if a.Is6() {
		return network{prefix(64), prefix(56), prefix(48)}
	}
	return network{a.String(), "", prefix(24)}
}

// attacker returns the width that counts as one attacker: an IPv4 address, or an IPv6 /48.
func (n network) attacker() string {
	if n.subnet == "" {
		return n.address
	}
	return n.wide
}

// perNetwork limits the events from an address, its subnet and its network.
func (m meter) perNetwork(what string, kind limit.Kind, s subject, address, subnet, wide []limit.Rate) limit.Limit {
	n := networkOf(s.address)
	l := limit.Limit{
		Key: m.key(what+".network", n.wide), Kind: kind, Mark: m.mark("address", n.address),
		Rules: []limit.Rule{
			{Name: what + " per address", Scope: limit.SameMark, Rates: address},
			{Name: what + " per network", Rates: wide},
		},
	}
	if n.subnet != "" {
		l.Submark = m.mark("subnet", n.subnet)
		l.Rules = append(l.Rules, limit.Rule{Name: what + " per subnet", Scope: limit.SameSubmark, Rates: subnet})
	}
	return l
}

// number returns a limit on one number. All limits of a number share one state.
func (m meter) number(s subject, kind limit.Kind, rules ...limit.Rule) limit.Limit {
	device := m.device(s)
	l := limit.Limit{
		Key: m.key("number", s.of()...), Kind: kind, Retain: m.retain,
		Mark: m.mark("attacker", networkOf(s.address).attacker()), Device: device, Rules: rules,
	}
	if device != 0 {
		l.Submark = max(uint32(device), 1)
	}
	return l
}

func (m meter) numberSends(s subject) limit.Limit {
	p := m.policy
	stranger, known := p.SendsPerNumberAndNetwork, p.SendsPerKnownDevice
	if p.SendCooldown > 0 {
		cooldown := limit.Rate{Limit: 1, Per: p.SendCooldown}
		stranger, known = append([]limit.Rate{cooldown}, stranger...), append([]limit.Rate{cooldown}, known...)
	}
	return m.number(s, kindSend,
		limit.Rule{Name: "sends per number and network", Scope: limit.SameMark, For: limit.Strangers, Rates: stranger},
		limit.Rule{Name: "sends per number", For: limit.Strangers, Rates: p.SendsPerNumber},
		limit.Rule{Name: "sends per known device", Scope: limit.SameSubmark, For: limit.KnownDevices, Rates: known},
	)
}

func (m meter) networkSends(s subject) limit.Limit {
	p := m.policy
	return m.perNetwork("sends", kindSend, s, p.SendsPerAddress, p.SendsPerSubnet, p.SendsPerNetwork)
}

func (m meter) numberGuesses(s subject) limit.Limit {
	p := m.policy
	return m.number(s, kindGuess,
		limit.Rule{Name: "wrong codes per number and network", Scope: limit.SameMark, For: limit.Strangers, Rates: p.FailuresPerNumberAndNetwork},
		limit.Rule{Name: "wrong codes per number", For: limit.Strangers, Rates: p.FailuresPerNumber},
		limit.Rule{Name: "wrong codes per known device", For: limit.KnownDevices, Bucket: p.FailuresPerKnownDevice},
	)
}

func (m meter) networkGuesses(s subject) limit.Limit {
	p := m.policy
	return m.perNetwork("wrong codes", kindGuess, s, p.FailuresPerAddress, p.FailuresPerSubnet, p.FailuresPerNetwork)
}

// totalGuesses is the breaker. It counts guesses of strangers at codes that were really
// sent. Other guesses do not count here, so that they cannot trip the breaker.
func (m meter) totalGuesses(counts bool) limit.Limit {
	scope := "wrong codes"
	if !counts {
		scope = "wrong codes that trip nothing"
	}
	l := m.total(scope, kindGuess)
	l.Rules, l.Alarm = []limit.Rule{{Name: "wrong codes in total", Rates: m.policy.FailuresTotal}}, m.policy.FailuresAlarm
	if !counts {
		return counted(l)
	}
	return l
}

func (m meter) total(scope string, kind limit.Kind) limit.Limit {
	return m.shared(limit.Limit{Key: m.key(scope + ".total"), Kind: kind})
}

// shared spreads a limit over rows, so that transactions do not all lock the same row.
func (m meter) shared(l limit.Limit) limit.Limit {
	l.Shards, l.Shard = m.shards, rand.IntN(m.shards) // need not be unpredictable
	return l
}

func (m meter) numberLogins(s subject) limit.Limit {
	p := m.policy
	return m.number(s, kindLogin,
		limit.Rule{Name: "logins per number and network", Scope: limit.SameMark, For: limit.Strangers, Rates: p.LoginsPerNumberAndNetwork},
		limit.Rule{Name: "logins per number", For: limit.Strangers, Rates: p.LoginsPerNumber},
		limit.Rule{Name: "logins per known device", For: limit.KnownDevices, Bucket: p.LoginsPerKnownDevice},
	)
}

func (m meter) networkLogins(s subject) limit.Limit {
	p := m.policy
	return m.perNetwork("logins", kindLogin, s, p.LoginsPerAddress, p.LoginsPerSubnet, p.LoginsPerNetwork)
}

// networkRefusals limits the work that is done before other limits are charged.
func (m meter) networkRefusals(s subject) limit.Limit {
	p := m.policy
	return m.perNetwork("refusals", kindRefusal, s, p.RefusalsPerAddress, p.RefusalsPerSubnet, p.RefusalsPerNetwork)
}

// prefix returns a number without its last four digits, which ten thousand numbers share.
func prefix(n mobile.Number) string {
	e164 := n.E164()
	return e164[:max(len(e164)-4, 0)]
}

// suspicion counts sends without limiting them, to decide whether a CAPTCHA is required.
func (m meter) suspicion(s subject) []limit.Limit {
	byPrefix := limit.Limit{
		Key: m.key("sends.prefix", prefix(s.number)), Kind: kindSend,
		Rules: []limit.Rule{{Name: "sends per prefix", Rates: m.policy.SuspiciousSendsPerPrefix}},
	}
	total := m.total("sends", kindSend)
	total.Rules = []limit.Rule{{Name: "sends in total", Rates: m.policy.SuspiciousSendsTotal}}
	return []limit.Limit{byPrefix, total}
}

// counted returns a limit that counts like l but refuses nothing. Its rules have only their
// names.
func counted(l limit.Limit) limit.Limit {
	rules := make([]limit.Rule, len(l.Rules))
	for i, rule := range l.Rules {
		rules[i].Name = rule.Name
		for _, r := range rule.Rates {
			l.Alarm = r
		}
	}
	l.Rules = rules
	return l
}

// money limits the messages that are handed to a provider.
func (m meter) money(tenant, client, region string, n mobile.Number) []limit.Limit {
	b := m.budget
	total := m.total("messages", kindMoney)
	total.Rules = []limit.Rule{{Name: "messages in total", Rates: b.Total}}
	total.Alarm = b.Alarm
	per := func(scope, who string, rates []limit.Rate) limit.Limit {
		return m.shared(limit.Limit{
			Key: m.key("messages."+scope, who), Kind: kindMoney,
			Rules: []limit.Rule{{Name: "messages per " + scope, Rates: rates}},
		})
	}
	limits := []limit.Limit{total, per("tenant", tenant, b.PerTenant), per("client", client, b.PerClient)}
	if rates := b.PerRegion[region]; len(rates) > 0 {
		limits = append(limits, per("region", region, rates))
	}
	return append(limits, limit.Limit{
		Key: m.key("messages.prefix", prefix(n)), Kind: kindMoney,
		Rules: []limit.Rule{{Name: "messages per prefix", Rates: b.PerPrefix}},
	})
}

// unredeemed counts codes that were sent and not redeemed. It never refuses a region,
// because strangers could fill the region's counter.
func (m meter) unredeemed(n mobile.Number, address netip.Addr) []limit.Limit {
	b := m.budget
	if b.Unredeemed == limit.Off {
		return nil
	}
	limits := []limit.Limit{
		{
			Key: m.key("unredeemed.prefix", prefix(n)), Kind: kindUnredeemed,
			Rules: []limit.Rule{{Name: "unredeemed codes per prefix", Rates: b.UnredeemedPerPrefix}},
		},
		{
			Key: m.key("unredeemed.network", networkOf(address).attacker()), Kind: kindUnredeemed,
			Rules: []limit.Rule{{Name: "unredeemed codes per network", Rates: b.UnredeemedPerNetwork}},
		},
	}
	if b.Unredeemed == limit.Record {
		for i := range limits {
			limits[i] = counted(limits[i])
		}
	}
	return append(limits, counted(m.shared(limit.Limit{
		Key: m.key("unredeemed.region", n.Region()), Kind: kindUnredeemed,
		Rules: []limit.Rule{{Name: "unredeemed codes per region", Rates: b.UnredeemedPerRegion}},
	})))
}
