package identity

import (
	"maps"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// LimitPolicy holds all limits. A nil or zero field takes its default. To lift a
// limit, set it to a rate that is never reached.
//
// A stranger is a device that has neither reset this number's password nor signed in with
// it. Strangers and known devices have separate limits, so that no stranger can lock an
// owner out. A network is the set of addresses that one attacker gets cheaply: an IPv4
// address, or an IPv6 /48.
type LimitPolicy struct {
	// CodeAttempts is how many guesses one code allows: 1 to 10. Default 5.
	CodeAttempts int
	// LiveCodes is how many codes of one number can be valid at the same time with
	// [Config.InsecureAnyDevice], where each guess is compared with all of them: 1 to 10.
	// Default 3. Otherwise each device has its own code, which requests of other devices do
	// not end.
	LiveCodes int

	// SendCooldown is the pause between two codes for a number that one network, or one
	// known device, asks for. Default 60 s; -1 for none.
	SendCooldown time.Duration
	// SendsPerNumberAndNetwork limits the codes for one number that strangers on one
	// network ask for. Default 2 / 10 min, 3 / h, 5 / 24 h.
	SendsPerNumberAndNetwork []limit.Rate
	// SendsPerNumber limits the codes for one number that all strangers together ask
	// for. An owner with a new device is a stranger too, so this must be more than
	// what ten networks may ask for. Default 33 / h, 100 / 24 h.
	SendsPerNumber []limit.Rate
	// SendsPerKnownDevice limits the codes for one number that one known device
	// asks for. Default 3 / 10 min, 5 / h, 10 / 24 h.
	SendsPerKnownDevice []limit.Rate
	// SendsPerAddress, SendsPerSubnet and SendsPerNetwork limit the codes that are
	// asked for from an IPv4 address or IPv6 /64 (default 30 / h), from an IPv6 /56
	// (default 60 / h), and from an IPv4 /24 or IPv6 /48 (default 120 / h).
	SendsPerAddress, SendsPerSubnet, SendsPerNetwork []limit.Rate

	// FailuresPerNumberAndNetwork limits the wrong codes for one number that
	// strangers on one network enter. Default 7 / 24 h.
	FailuresPerNumberAndNetwork []limit.Rate
	// FailuresPerNumber limits the wrong codes for one number that all strangers
	// together enter. It must be more than what ten networks may enter. Default 78 /
	// 24 h.
	FailuresPerNumber []limit.Rate
	// FailuresPerKnownDevice limits the wrong codes for one number that all known devices
	// together enter. Default 10, and one more every 2 h, which is at most 22 a day. With
	// FailuresPerNumber, at most 100 guesses a day are judged for a number.
	FailuresPerKnownDevice limit.Bucket
	// FailuresPerAddress, FailuresPerSubnet and FailuresPerNetwork limit the guesses
	// from an address, subnet and network, as for sends. Default 60 / h, 120 / h,
	// 240 / h.
	FailuresPerAddress, FailuresPerSubnet, FailuresPerNetwork []limit.Rate
	// FailuresTotal limits the wrong codes that strangers enter for all numbers
	// together. It counts only guesses at codes that were really sent. Beyond it,
	// guesses of strangers are refused for every number. Default 10,000 / h.
	FailuresTotal []limit.Rate
	// FailuresAlarm raises an [audit.LimitAlarm] once per window while at least that many
	// of these were counted. Default 1,000 / h.
	FailuresAlarm limit.Rate

	// LoginsPerNumberAndNetwork, LoginsPerNumber and LoginsPerKnownDevice limit
	// failed logins, as for wrong codes. Default 7 / 24 h; 78 / 24 h; 10, and one
	// more every 2 h.
	LoginsPerNumberAndNetwork []limit.Rate
	LoginsPerNumber           []limit.Rate
	LoginsPerKnownDevice      limit.Bucket
	// LoginsPerAddress, LoginsPerSubnet and LoginsPerNetwork limit failed logins
	// from an address, subnet and network. Default 100 / h, 200 / h, 400 / h.
	LoginsPerAddress, LoginsPerSubnet, LoginsPerNetwork []limit.Rate

	// RefusalsPerAddress, RefusalsPerSubnet and RefusalsPerNetwork limit the requests
	// that are refused after expensive work but before a code is judged: a weak or
	// breached password, a wrong CAPTCHA, a password used before. Default 60 / 10 min,
	// 120 / 10 min, 240 / 10 min.
	RefusalsPerAddress, RefusalsPerSubnet, RefusalsPerNetwork []limit.Rate

	// SuspiciousSendsPerPrefix and SuspiciousSendsTotal are levels, not limits: with
	// [CaptchaOnSuspicion], a CAPTCHA is required above half of one of them. They count the
	// codes asked for, for numbers that share all but their last four digits and for all
	// numbers. Default 40 / h and 1,000 / h.
	SuspiciousSendsPerPrefix, SuspiciousSendsTotal []limit.Rate
}

// fill sets the defaults of the zero fields.
func (l *LimitPolicy) fill() {
	const hour, day = time.Hour, 24 * time.Hour
	rates := func(field *[]limit.Rate, value ...limit.Rate) {
		if len(*field) == 0 {
			*field = value
		}
	}
	levels := func(address, subnet, network *[]limit.Rate, n int, per time.Duration) {
		rates(address, limit.Rate{Limit: n, Per: per})
		rates(subnet, limit.Rate{Limit: 2 * n, Per: per})
		rates(network, limit.Rate{Limit: 4 * n, Per: per})
	}
	def(&l.CodeAttempts, 5)
	def(&l.LiveCodes, 3)
	def(&l.SendCooldown, time.Minute)
	rates(&l.SendsPerNumberAndNetwork, limit.Rate{Limit: 2, Per: 10 * time.Minute}, limit.Rate{Limit: 3, Per: hour}, limit.Rate{Limit: 5, Per: day})
	rates(&l.SendsPerNumber, limit.Rate{Limit: 33, Per: hour}, limit.Rate{Limit: 100, Per: day})
	rates(&l.SendsPerKnownDevice, limit.Rate{Limit: 3, Per: 10 * time.Minute}, limit.Rate{Limit: 5, Per: hour}, limit.Rate{Limit: 10, Per: day})
	levels(&l.SendsPerAddress, &l.SendsPerSubnet, &l.SendsPerNetwork, 30, hour)
	rates(&l.FailuresPerNumberAndNetwork, limit.Rate{Limit: 7, Per: day})
	rates(&l.FailuresPerNumber, limit.Rate{Limit: 78, Per: day})
	def(&l.FailuresPerKnownDevice, limit.Bucket{Burst: 10, Every: 2 * hour})
	levels(&l.FailuresPerAddress, &l.FailuresPerSubnet, &l.FailuresPerNetwork, 60, hour)
	rates(&l.FailuresTotal, limit.Rate{Limit: 10_000, Per: hour})
	def(&l.FailuresAlarm, limit.Rate{Limit: 1000, Per: hour})
	rates(&l.LoginsPerNumberAndNetwork, limit.Rate{Limit: 7, Per: day})
	rates(&l.LoginsPerNumber, limit.Rate{Limit: 78, Per: day})
	def(&l.LoginsPerKnownDevice, limit.Bucket{Burst: 10, Every: 2 * hour})
	levels(&l.LoginsPerAddress, &l.LoginsPerSubnet, &l.LoginsPerNetwork, 100, hour)
	levels(&l.RefusalsPerAddress, &l.RefusalsPerSubnet, &l.RefusalsPerNetwork, 60, 10*time.Minute)
	rates(&l.SuspiciousSendsPerPrefix, limit.Rate{Limit: 40, Per: hour})
	rates(&l.SuspiciousSendsTotal, limit.Rate{Limit: 1000, Per: hour})
}

// rateFields lists the fields that hold rates, by name. Everything that treats
// all rates alike goes through it.
func (l *LimitPolicy) rateFields() map[string]*[]limit.Rate {
	return map[string]*[]limit.Rate{
		"SendsPerNumberAndNetwork": &l.SendsPerNumberAndNetwork, "SendsPerNumber": &l.SendsPerNumber,
		"SendsPerKnownDevice": &l.SendsPerKnownDevice,
		"SendsPerAddress":     &l.SendsPerAddress, "SendsPerSubnet": &l.SendsPerSubnet, "SendsPerNetwork": &l.SendsPerNetwork,
		"FailuresPerNumberAndNetwork": &l.FailuresPerNumberAndNetwork, "FailuresPerNumber": &l.FailuresPerNumber, "FailuresTotal": &l.FailuresTotal,
		"FailuresPerAddress": &l.FailuresPerAddress, "FailuresPerSubnet": &l.FailuresPerSubnet, "FailuresPerNetwork": &l.FailuresPerNetwork,
		"LoginsPerNumberAndNetwork": &l.LoginsPerNumberAndNetwork, "LoginsPerNumber": &l.LoginsPerNumber,
		"LoginsPerAddress": &l.LoginsPerAddress, "LoginsPerSubnet": &l.LoginsPerSubnet, "LoginsPerNetwork": &l.LoginsPerNetwork,
		"RefusalsPerAddress": &l.RefusalsPerAddress, "RefusalsPerSubnet": &l.RefusalsPerSubnet, "RefusalsPerNetwork": &l.RefusalsPerNetwork,
		"SuspiciousSendsPerPrefix": &l.SuspiciousSendsPerPrefix, "SuspiciousSendsTotal": &l.SuspiciousSendsTotal,
	}
}

// faults reports all limits that are out of bounds, in a policy with defaults.
func (l *LimitPolicy) faults(fault func(bad bool, field, format string, args ...any)) {
	bounds := func(field string, v, lo, hi int) {
		fault(v < lo || v > hi, field, "is %d, must be %d to %d", v, lo, hi)
	}
	bounds("Limits.CodeAttempts", l.CodeAttempts, 1, 10)
	bounds("Limits.LiveCodes", l.LiveCodes, 1, 10)
	fault(l.SendCooldown > limit.Longest, "Limits.SendCooldown", "is %s, must be at most %s", l.SendCooldown, limit.Longest)
	fields := l.rateFields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		rateFaults(fault, "Limits."+name, *fields[name])
	}
	rateFaults(fault, "Limits.FailuresAlarm", []limit.Rate{l.FailuresAlarm})
	for name, b := range map[string]limit.Bucket{
		"FailuresPerKnownDevice": l.FailuresPerKnownDevice, "LoginsPerKnownDevice": l.LoginsPerKnownDevice,
	} {
		fault(b.Burst < 1 || b.Burst > 1_000_000 || b.Every < time.Millisecond || time.Duration(b.Burst)*b.Every > limit.Longest,
			"Limits."+name, "is %d and one every %s, must be 1 to 1,000,000 and one every 1ms or more, full again within %s", b.Burst, b.Every, limit.Longest)
	}
}

func rateFaults(fault func(bad bool, field, format string, args ...any), field string, rates []limit.Rate) {
	for _, r := range rates {
		fault(r.Limit < 1 || r.Per < time.Second || r.Per > limit.Longest,
			field, "is %d per %s, must be at least 1 per 1s to %s", r.Limit, r.Per, limit.Longest)
	}
}

// clone copies the slices that the caller could change.
func (l *LimitPolicy) clone() {
	for _, field := range l.rateFields() {
		*field = slices.Clone(*field)
	}
}
