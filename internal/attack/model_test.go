package attack_test

import (
	"slices"
	"time"
)

// model does what the service should do, in the simplest way: it has no keys, no
// digests and no storage, and keeps every event in a list.
type model struct {
	now   time.Time
	users map[string]*modelUser // by number
	codes []*modelCode          // in the order they were issued

	sends, guesses     map[string][]modelEvent         // by number
	netSends, netFails []modelEvent                    // of all numbers
	known              map[string]map[string]time.Time // by number and device: when it was remembered
}

type modelUser struct {
	password           string
	changes            int // how often the password was set
	disabled, verified bool
}

type modelCode struct {
	number, device, code string
	decoy                bool
	changes              int // the user's count when the code was sent
	created, expires     time.Time
	attempts             int
	dead                 bool // used or ended
}

// modelEvent is a send or a guess.
type modelEvent struct {
	at              time.Time
	address, device string
	known           bool // from a device that had reset the password before
}

type rate struct {
	limit int
	per   time.Duration
}

const day = 24 * time.Hour

// These are the limits of the walk. Those by network are smaller than the defaults,
// otherwise a walk would not reach them.
var (
	sendsFromNetwork   = []rate{{1, time.Minute}, {2, 10 * time.Minute}, {3, time.Hour}, {5, day}}
	sendsFromStrangers = []rate{{7, time.Hour}}
	sendsFromKnown     = []rate{{1, time.Minute}, {3, 10 * time.Minute}, {5, time.Hour}, {10, day}}
	sendsPerAddress    = []rate{{12, time.Hour}}
	sendsPerSubnet     = []rate{{18, time.Hour}}

	failsFromNetwork   = []rate{{7, day}}
	failsFromStrangers = []rate{{17, day}}
	failsPerAddress    = []rate{{30, time.Hour}}
	failsPerSubnet     = []rate{{40, time.Hour}}
)

const (
	bucketBurst = 10
	bucketEvery = 2 * time.Hour
	clockSkew   = 30 * time.Second
	knownFor    = 180 * day
)

func newModel(now time.Time) *model {
	return &model{
		now: now, users: map[string]*modelUser{}, sends: map[string][]modelEvent{}, guesses: map[string][]modelEvent{},
		known: map[string]map[string]time.Time{},
	}
}

// subnet is the /24 of an address.
func subnet(address string) string { return address[:len(address)-2] }

// wait returns how long until one more event fits. Events far in the future were
// recorded by a clock that was wrong.
func (m *model) wait(events []modelEvent, rates []rate, counts func(modelEvent) bool) (wait time.Duration) {
	for _, r := range rates {
		var inWindow []time.Time
		for _, e := range events {
			if e.at.After(m.now.Add(-r.per)) && !e.at.After(m.now.Add(clockSkew)) && counts(e) {
				inWindow = append(inWindow, e.at)
			}
		}
		slices.SortFunc(inWindow, time.Time.Compare)
		if over := len(inWindow) + 1 - r.limit; over > 0 {
			wait = max(wait, min(inWindow[over-1].Add(r.per).Sub(m.now), r.per))
		}
	}
	return wait
}

// bucket returns how long until one more guess of a known device fits.
func (m *model) bucket(events []modelEvent) time.Duration {
	var known []time.Time
	for _, e := range events {
		if e.known && !e.at.After(m.now.Add(clockSkew)) {
			known = append(known, e.at)
		}
	}
	slices.SortFunc(known, time.Time.Compare)
	var paid time.Time
	for _, at := range known {
		if paid.Before(at) {
			paid = at
		}
		paid = paid.Add(bucketEvery)
	}
	return min(max(max(paid.Sub(m.now), 0)-(bucketBurst-1)*bucketEvery, 0), bucketEvery)
}

// knows reports whether the device has reset the number's password before.
func (m *model) knows(number, device string) bool {
	at, ok := m.known[number][device]
	return ok && m.now.Sub(at) < knownFor
}

func (m *model) eligible(number string) bool {
	u := m.users[number]
	return u != nil && !u.disabled && u.verified
}

func (c *modelCode) live(now time.Time) bool {
	return !c.dead && now.Before(c.expires) && c.attempts < 5
}

func strangers(e modelEvent) bool { return !e.known }

func from(address string) func(modelEvent) bool {
	return func(e modelEvent) bool { return e.address == address }
}

func fromSubnet(address string) func(modelEvent) bool {
	return func(e modelEvent) bool { return subnet(e.address) == subnet(address) }
}

// sendWait returns how long a send has to wait.
func (m *model) sendWait(number string, e modelEvent) time.Duration {
	sends := m.sends[number]
	wait := max(m.wait(m.netSends, sendsPerAddress, from(e.address)), m.wait(m.netSends, sendsPerSubnet, fromSubnet(e.address)))
	if e.known {
		return max(wait, m.wait(sends, sendsFromKnown, func(o modelEvent) bool { return o.known && o.device == e.device }))
	}
	return max(wait, m.wait(sends, sendsFromStrangers, strangers),
		m.wait(sends, sendsFromNetwork, func(o modelEvent) bool { return !o.known && o.address == e.address }))
}

// send returns the wait if the send is refused, and whether a code is sent.
func (m *model) send(number, device, address string) (c *modelCode, wait time.Duration) {
	e := modelEvent{m.now, address, device, m.knows(number, device)}
	if wait := m.sendWait(number, e); wait > 0 {
		return nil, wait
	}
	m.sends[number], m.netSends = append(m.sends[number], e), append(m.netSends, e)
	for _, c := range m.codes { // a resend replaces the device's code
		c.dead = c.dead || c.number == number && c.device == device
	}
	c = &modelCode{number: number, device: device, decoy: !m.eligible(number), created: m.now, expires: m.now.Add(5 * time.Minute)}
	if u := m.users[number]; u != nil {
		c.changes = u.changes
	}
	m.codes = append(m.codes, c)
	m.codes = slices.DeleteFunc(m.codes, func(c *modelCode) bool { return c.expires.Before(m.now.Add(-day)) })
	return c, 0
}

// guessWait returns how long a guess has to wait.
func (m *model) guessWait(number string, e modelEvent) time.Duration {
	wait := max(m.wait(m.netFails, failsPerAddress, from(e.address)), m.wait(m.netFails, failsPerSubnet, fromSubnet(e.address)))
	if e.known {
		return max(wait, m.bucket(m.guesses[number]))
	}
	return max(wait, m.wait(m.guesses[number], failsFromStrangers, strangers),
		m.wait(m.guesses[number], failsFromNetwork, func(o modelEvent) bool { return !o.known && o.address == e.address }))
}

// guess returns the wait if the guess is refused for now, and whether the password is
// set.
func (m *model) guess(number, device, address, code, password string) (set bool, wait time.Duration) {
	e := modelEvent{m.now, address, device, m.knows(number, device)}
	if wait := m.guessWait(number, e); wait > 0 {
		return false, wait
	}
	before := len(m.netFails)
	m.netFails = append(m.netFails, e)
	var live []*modelCode
	for _, c := range m.codes {
		if c.number != number || c.device != device {
			continue
		}
		if c.live(m.now) {
			live = append(live, c)
		}
		c.dead = c.dead || !m.now.Before(c.expires) // a code that was seen expired stays expired
	}
	if len(live) == 0 {
		return false, 0
	}
	var match *modelCode
	for _, c := range live {
		c.attempts++
		if c.code == code && !c.decoy && m.users[number] != nil && m.users[number].changes == c.changes {
			match = c
		}
	}
	if match == nil || !m.eligible(number) {
		m.guesses[number] = append(m.guesses[number], e)
		return false, 0
	}
	m.netFails = m.netFails[:before] // a right guess is not charged
	for _, c := range m.codes {
		c.dead = c.dead || c.number == number
	}
	if m.known[number] == nil {
		m.known[number] = map[string]time.Time{}
	}
	if seen := m.known[number][device]; m.now.After(seen) {
		m.known[number][device] = m.now
	}
	m.users[number].password, m.users[number].changes = password, m.users[number].changes+1
	return true, 0
}

// unlock clears all counters of the number. Known devices stay known.
func (m *model) unlock(number string) { delete(m.sends, number); delete(m.guesses, number) }
