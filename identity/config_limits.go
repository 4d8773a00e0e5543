package identity

import (
	"maps"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// LimitPolicy are all limits. A nil or zero field takes its default; to lift a
// limit set it to a rate that is never reached.
type LimitPolicy struct {
	// CodeAttempts is how often one code may be guessed at: 1 to 10, default 5.
	CodeAttempts int
	// LiveCodes is how many codes of one number live at once, so that another's
	// send does not end the owner's code: 1 to 10, default 3.
	LiveCodes int

	// SendCooldown is the pause between two sends to a number. Default 60 s; -1 for none.
	SendCooldown time.Duration
	// SendsPerNumber: default 3 / 10 min, 5 / h, 10 / 24 h. With SendCooldown these
	// keep below what carriers put on codes to one number, such as Alibaba Cloud's
	// one a minute, five an hour and ten a day: beyond it the provider refuses.
	SendsPerNumber []limit.Rate
	// SendsPerAddress, an IPv6 address counting as its /64: default 30 / h.
	SendsPerAddress []limit.Rate
	// SendsPerDevice: default 10 / h.
	SendsPerDevice []limit.Rate
	// SendsPerClient, SendsPerTenant and SendsTotal are spending caps: default
	// 1,000 / h each. Think about them.
	SendsPerClient, SendsPerTenant, SendsTotal []limit.Rate
	// SendsPerRegion caps the sends to numbers of a region, by its ISO code.
	// Default none beyond SendsTotal.
	SendsPerRegion map[string][]limit.Rate

	// FailuresPerNumberAndDevice counts wrong codes. Default 10 / 24 h.
	FailuresPerNumberAndDevice []limit.Rate
	// FailuresPerNumber: default 20 / 24 h. A new code refills nothing.
	FailuresPerNumber []limit.Rate
	// ConsecutiveFailures locks SMS reset for a number until [Service.Unlock] or a login:
	// default 50, at most 100 (SP 800-63B-4, 3.2.2).
	ConsecutiveFailures int
	// FailuresPerAddress, an IPv6 address counting as its /64: default 60 / h.
	FailuresPerAddress []limit.Rate
	// FailuresPerDevice: default 60 / h.
	FailuresPerDevice []limit.Rate
	// FailuresPerClient and FailuresPerTenant: default 10,000 / h.
	FailuresPerClient, FailuresPerTenant []limit.Rate
	// FailuresTotal is the breaker: default 10,000 / h.
	FailuresTotal []limit.Rate
	// FailuresAlarm raises an [EventAlarm] before the breaker trips. Default 1,000 / h.
	FailuresAlarm limit.Rate
	// SendsAlarm raises an [EventAlarm] before SendsTotal is used up. Default 80 %
	// of the first rate of SendsTotal.
	SendsAlarm limit.Rate

	// LoginBackoff are the pauses after 1, 2, 3… failed logins of a user in a row;
	// the last stands for all that follow, so that a login is never locked for
	// good. Default: none for 4 failures, then 1 s doubling to 1 h, and 24 h from
	// the 99th on (SP 800-63B-4, 3.2.2).
	LoginBackoff []time.Duration
	// LoginsPerAddress counts failed logins. Default 100 / h.
	LoginsPerAddress []limit.Rate
}

// fill sets the defaults of the zero fields.
func (l *LimitPolicy) fill() {
	def(&l.CodeAttempts, 5)
	def(&l.LiveCodes, 3)
	def(&l.SendCooldown, time.Minute)
	defRates(&l.SendsPerNumber, limit.Rate{Limit: 3, Per: 10 * time.Minute}, limit.Rate{Limit: 5, Per: time.Hour}, limit.Rate{Limit: 10, Per: 24 * time.Hour})
	defRates(&l.SendsPerAddress, limit.Rate{Limit: 30, Per: time.Hour})
	defRates(&l.SendsPerDevice, limit.Rate{Limit: 10, Per: time.Hour})
	defRates(&l.SendsPerClient, limit.Rate{Limit: 1000, Per: time.Hour})
	defRates(&l.SendsPerTenant, limit.Rate{Limit: 1000, Per: time.Hour})
	defRates(&l.SendsTotal, limit.Rate{Limit: 1000, Per: time.Hour})
	defRates(&l.FailuresPerNumberAndDevice, limit.Rate{Limit: 10, Per: 24 * time.Hour})
	defRates(&l.FailuresPerNumber, limit.Rate{Limit: 20, Per: 24 * time.Hour})
	def(&l.ConsecutiveFailures, 50)
	defRates(&l.FailuresPerAddress, limit.Rate{Limit: 60, Per: time.Hour})
	defRates(&l.FailuresPerDevice, limit.Rate{Limit: 60, Per: time.Hour})
	defRates(&l.FailuresPerClient, limit.Rate{Limit: 10_000, Per: time.Hour})
	defRates(&l.FailuresPerTenant, limit.Rate{Limit: 10_000, Per: time.Hour})
	defRates(&l.FailuresTotal, limit.Rate{Limit: 10_000, Per: time.Hour})
	def(&l.FailuresAlarm, limit.Rate{Limit: 1000, Per: time.Hour})
	def(&l.SendsAlarm, limit.Rate{Limit: max(l.SendsTotal[0].Limit*4/5, 1), Per: l.SendsTotal[0].Per})
	if len(l.LoginBackoff) == 0 {
		l.LoginBackoff = defaultLoginWaits()
	}
	defRates(&l.LoginsPerAddress, limit.Rate{Limit: 100, Per: time.Hour})
}

// After n failures in a row the n-th wait. The wait after the 99th keeps the
// hundredth attempt a day away.
func defaultLoginWaits() []time.Duration {
	waits := make([]time.Duration, 99)
	for i := 4; i < len(waits); i++ {
		waits[i] = min(time.Second<<min(i-4, 12), time.Hour)
	}
	waits[98] = 24 * time.Hour
	return waits
}

func defRates(field *[]limit.Rate, value ...limit.Rate) {
	if len(*field) == 0 {
		*field = value
	}
}

// faults reports every limit that is out of bounds, of a policy with defaults.
func (l *LimitPolicy) faults(fault func(bad bool, field, format string, args ...any)) {
	bounds := func(field string, v, lo, hi int) {
		fault(v < lo || v > hi, field, "is %d, must be %d to %d", v, lo, hi)
	}
	bounds("Limits.CodeAttempts", l.CodeAttempts, 1, 10)
	bounds("Limits.LiveCodes", l.LiveCodes, 1, 10)
	bounds("Limits.ConsecutiveFailures", l.ConsecutiveFailures, 1, 100)
	all := l.all()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, r := range all[name] {
			fault(r.Limit < 1 || r.Per < time.Second || r.Per > 31*24*time.Hour,
				"Limits."+name, "is %d per %s, must be at least 1 per 1s to 744h", r.Limit, r.Per)
		}
	}
}

func (l *LimitPolicy) all() map[string][]limit.Rate {
	m := map[string][]limit.Rate{
		"SendsPerNumber": l.SendsPerNumber, "SendsPerAddress": l.SendsPerAddress, "SendsPerDevice": l.SendsPerDevice,
		"SendsPerClient": l.SendsPerClient, "SendsPerTenant": l.SendsPerTenant, "SendsTotal": l.SendsTotal,
		"FailuresPerNumberAndDevice": l.FailuresPerNumberAndDevice, "FailuresPerNumber": l.FailuresPerNumber,
		"FailuresPerAddress": l.FailuresPerAddress, "FailuresPerDevice": l.FailuresPerDevice,
		"FailuresPerClient": l.FailuresPerClient, "FailuresPerTenant": l.FailuresPerTenant,
		"FailuresTotal": l.FailuresTotal, "FailuresAlarm": {l.FailuresAlarm}, "SendsAlarm": {l.SendsAlarm},
		"LoginsPerAddress": l.LoginsPerAddress,
	}
	for region, rates := range l.SendsPerRegion {
		m["SendsPerRegion["+region+"]"] = rates
	}
	return m
}

// clone copies what the caller could still change.
func (l *LimitPolicy) clone() {
	l.LoginBackoff = slices.Clone(l.LoginBackoff)
	for _, f := range []*[]limit.Rate{
		&l.SendsPerNumber, &l.SendsPerAddress, &l.SendsPerDevice, &l.SendsPerClient, &l.SendsPerTenant, &l.SendsTotal,
		&l.FailuresPerNumberAndDevice, &l.FailuresPerNumber, &l.FailuresPerAddress, &l.FailuresPerDevice,
		&l.FailuresPerClient, &l.FailuresPerTenant, &l.FailuresTotal, &l.LoginsPerAddress,
	} {
		*f = slices.Clone(*f)
	}
	if l.SendsPerRegion == nil {
		return
	}
	regions := make(map[string][]limit.Rate, len(l.SendsPerRegion))
	for region, rates := range l.SendsPerRegion {
		regions[region] = slices.Clone(rates)
	}
	l.SendsPerRegion = regions
}
