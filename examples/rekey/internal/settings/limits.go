package settings

import (
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// derived empties the limits whose default follows from another setting, or is
// too long to print.
func derived(l *identity.LimitPolicy) {
	l.SendsAlarm = limit.Rate{}
	l.LoginBackoff = nil
}

// Logins defines the flags of the limits of logins.
func (f *Set) Logins(c *identity.Config) {
	List(f, &c.Limits.LoginBackoff, "login-backoff", parseDuration,
		"`DURATIONS` to wait after 1, 2, 3… failed logins of a user in a row, comma-separated, the last for all that follow; "+
			"default: none for 4, then 1s doubling to 1h, and 24h from the 99th on")
	f.Rates(&c.Limits.LoginsPerAddress, "logins-per-address", "failed logins per address")
}

// limits defines the flags of the limits of sends and guesses.
func (f *Set) limits(l *identity.LimitPolicy) {
	f.Int(&l.CodeAttempts, "code-attempts", "`COUNT` of guesses at one code, 1 to 10")
	f.Int(&l.LiveCodes, "live-codes", "`COUNT` of codes of one number that are valid at the same time, 1 to 10")

	scalar(f, &l.SendCooldown, "send-cooldown", -1, parseDuration, "`DURATION` between two sends to a number; 0 for none")
	f.Rates(&l.SendsPerNumber, "sends-per-number", "sends per number, all of which hold")
	f.Rates(&l.SendsPerAddress, "sends-per-address", "sends per address, an IPv6 address counting as its /64")
	f.Rates(&l.SendsPerDevice, "sends-per-device", "sends per device")
	f.Rates(&l.SendsPerClient, "sends-per-client", "sends per application, a spending cap")
	f.Rates(&l.SendsPerTenant, "sends-per-tenant", "sends per tenant, a spending cap")
	f.Rates(&l.SendsTotal, "sends-total", "sends in total, the spending cap to think about")
	f.RegionRates(&l.SendsPerRegion, "sends-per-region", "`REGION=RATES`, sends to numbers of a region, semicolon-separated; default none")
	f.Rate(&l.SendsAlarm, "sends-alarm", "of sends that raises an alarm event; default: 80 % of the first of -sends-total")

	f.Rates(&l.FailuresPerNumberAndDevice, "failures-per-number-and-device", "wrong codes per number and device")
	f.Rates(&l.FailuresPerNumber, "failures-per-number", "wrong codes per number; a new code refills nothing")
	f.Int(&l.ConsecutiveFailures, "consecutive-failures", "`COUNT` of wrong codes in a row that locks SMS reset for a number until \"user unlock\" or a login, at most 100")
	f.Rates(&l.FailuresPerAddress, "failures-per-address", "wrong codes per address, an IPv6 address counting as its /64")
	f.Rates(&l.FailuresPerDevice, "failures-per-device", "wrong codes per device")
	f.Rates(&l.FailuresPerClient, "failures-per-client", "wrong codes per application")
	f.Rates(&l.FailuresPerTenant, "failures-per-tenant", "wrong codes per tenant")
	f.Rates(&l.FailuresTotal, "failures-total", "wrong codes in total, beyond which every reset is refused")
	f.Rate(&l.FailuresAlarm, "failures-alarm", "of wrong codes that raises an alarm event")
}
