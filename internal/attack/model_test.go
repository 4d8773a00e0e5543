package attack_test

import (
	"cmp"
	"slices"
	"time"
)

// model is what the service should do, written as plainly as can be: no keys,
// no digests, no storage, every event in a list.
type model struct {
	now   time.Time
	users map[string]*modelUser // by number
	codes []*modelCode          // in the order they were issued

	sends   map[string][]time.Time // by number
	fails   map[string][]time.Time // by number
	onDev   map[string][]time.Time // by number and device
	idle    map[string][]time.Time // by number and device, guesses without a live code
	streaks map[string]*modelStreak
}

type modelUser struct {
	password           string
	changes            int // how often the password was set
	disabled, verified bool
}

type modelCode struct {
	number, device, code string
	decoy                bool
	changes              int // the user's, when it was sent
	created, expires     time.Time
	attempts             int
	dead                 bool // used or ended
}

type modelStreak struct {
	n    int
	last time.Time
}

type rate struct {
	limit int
	per   time.Duration
}

const day = 24 * time.Hour

var (
	sendRates   = []rate{{1, time.Minute}, {3, 10 * time.Minute}, {5, time.Hour}, {10, day}}
	deviceRates = []rate{{10, day}}
	numberRates = []rate{{20, day}}
)

func newModel(now time.Time) *model {
	return &model{
		now: now, users: map[string]*modelUser{}, sends: map[string][]time.Time{}, fails: map[string][]time.Time{},
		onDev: map[string][]time.Time{}, idle: map[string][]time.Time{}, streaks: map[string]*modelStreak{},
	}
}

// wait is how long until one more event fits.
func (m *model) wait(events []time.Time, rates []rate) (wait time.Duration) {
	for _, r := range rates {
		var inWindow []time.Time
		for _, e := range events {
			if e.After(m.now.Add(-r.per)) {
				inWindow = append(inWindow, e)
			}
		}
		slices.SortFunc(inWindow, time.Time.Compare)
		if over := len(inWindow) + 1 - r.limit; over > 0 {
			wait = max(wait, inWindow[over-1].Add(r.per).Sub(m.now))
		}
	}
	return wait
}

// spend adds an event, and forgets what is older than a day: a clock that
// steps back does not bring it back.
func (m *model) spend(events []time.Time) []time.Time {
	events = slices.DeleteFunc(slices.Clone(events), func(e time.Time) bool { return !e.After(m.now.Add(-day)) })
	return append(events, m.now)
}

func refund(events []time.Time, at time.Time) []time.Time {
	i := slices.IndexFunc(events, at.Equal)
	return slices.Delete(slices.Clone(events), i, i+1)
}

func (m *model) eligible(number string) bool {
	u := m.users[number]
	return u != nil && !u.disabled && u.verified
}

func (c *modelCode) live(now time.Time) bool {
	return !c.dead && now.Before(c.expires) && c.attempts < 5
}

// send returns the wait if it is refused, and whether a code leaves.
func (m *model) send(number, device string) (c *modelCode, wait time.Duration) {
	if wait := m.wait(m.sends[number], sendRates); wait > 0 {
		return nil, wait
	}
	m.sends[number] = m.spend(m.sends[number])
	c = &modelCode{number: number, device: device, decoy: !m.eligible(number), created: m.now, expires: m.now.Add(5 * time.Minute)}
	if u := m.users[number]; u != nil {
		c.changes = u.changes
	}
	m.codes = append(m.codes, c)
	var live []*modelCode
	for _, c := range m.codes {
		if c.number == number && c.live(m.now) {
			live = append(live, c)
		}
	}
	slices.SortStableFunc(live, func(a, b *modelCode) int { return cmp.Compare(a.created.UnixMilli(), b.created.UnixMilli()) })
	for i := range len(live) - 3 {
		live[i].dead = true
	}
	m.codes = slices.DeleteFunc(m.codes, func(c *modelCode) bool { return c.expires.Before(m.now.Add(-day)) })
	return c, 0
}

// guess returns the wait if it is refused for now, and whether the password is set.
func (m *model) guess(number, device, code, password string) (set bool, wait time.Duration) {
	key := number + " " + device
	var live []*modelCode
	for _, c := range m.codes {
		if c.number == number && c.device == device && c.live(m.now) {
			live = append(live, c)
		}
	}
	if len(live) == 0 {
		wait = max(m.wait(m.idle[key], deviceRates), m.wait(m.idle[key], numberRates))
	} else {
		wait = max(m.wait(m.onDev[key], deviceRates), m.wait(m.fails[number], numberRates))
	}
	if wait > 0 {
		return false, wait
	}
	for _, c := range m.codes { // what is seen expired stays so
		if c.number == number && c.device == device && !m.now.Before(c.expires) {
			c.dead = true
		}
	}
	if len(live) == 0 {
		m.idle[key] = m.spend(m.idle[key])
		return false, 0
	}
	m.onDev[key], m.fails[number] = m.spend(m.onDev[key]), m.spend(m.fails[number])
	s := m.streaks[number]
	if s == nil || s.n < 50 && m.now.Sub(s.last) > 90*day {
		s = &modelStreak{}
		m.streaks[number] = s
	}
	locked := s.n >= 50
	s.n, s.last = s.n+1, m.now
	if s.last.Before(m.now) {
		s.last = m.now
	}
	var match *modelCode
	for _, c := range live {
		c.attempts++
		if c.code == code && !c.decoy && m.users[number] != nil && m.users[number].changes == c.changes {
			match = c
		}
	}
	if match == nil || locked || !m.eligible(number) {
		return false, 0
	}
	for _, c := range m.codes {
		if c.number == number {
			c.dead = true
		}
	}
	m.onDev[key], m.fails[number] = refund(m.onDev[key], m.now), refund(m.fails[number], m.now)
	delete(m.streaks, number)
	m.users[number].password, m.users[number].changes = password, m.users[number].changes+1
	return true, 0
}
