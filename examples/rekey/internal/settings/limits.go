package settings

import (
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// derived empties the limits whose defaults are derived from other settings.
func derived(c *identity.Config) { c.Budget.Alarm = limit.Rate{} }

// Logins defines the flags of the limits on logins.
func (f *Set) Logins(c *identity.Config) {
	l := &c.Limits
	f.Rates(&l.LoginsPerNumberAndNetwork, "logins-per-number-and-network", "failed logins per number from strangers on one network")
	f.Rates(&l.LoginsPerNumber, "logins-per-number", "failed logins per number from all strangers")
	f.Bucket(&l.LoginsPerKnownDevice, "logins-per-known-device", "failed logins per number from its known devices")
	f.Rates(&l.LoginsPerAddress, "logins-per-address", "failed logins per address, an IPv6 address counting as its /64")
	f.Rates(&l.LoginsPerSubnet, "logins-per-subnet", "failed logins per IPv6 /56")
	f.Rates(&l.LoginsPerNetwork, "logins-per-network", "failed logins per IPv4 /24 or IPv6 /48")
}

// limits defines the flags of the limits on sends and guesses.
func (f *Set) limits(l *identity.LimitPolicy) {
	f.Int(&l.CodeAttempts, "code-attempts", "`COUNT` of guesses at one code, 1 to 10")
	f.Int(&l.LiveCodes, "live-codes", "`COUNT` of codes of one number that are valid at the same time with -insecure-any-device, 1 to 10")

	scalar(f, &l.SendCooldown, "send-cooldown", -1, parseDuration, "`DURATION` between two sends for a number from one network or known device; 0 for none")
	f.Rates(&l.SendsPerNumberAndNetwork, "sends-per-number-and-network", "sends per number from strangers on one network; all rates hold")
	f.Rates(&l.SendsPerNumber, "sends-per-number", "sends per number from all strangers")
	f.Rates(&l.SendsPerKnownDevice, "sends-per-known-device", "sends per number from one known device")
	f.Rates(&l.SendsPerAddress, "sends-per-address", "sends per address, an IPv6 address counting as its /64")
	f.Rates(&l.SendsPerSubnet, "sends-per-subnet", "sends per IPv6 /56")
	f.Rates(&l.SendsPerNetwork, "sends-per-network", "sends per IPv4 /24 or IPv6 /48")

	f.Rates(&l.FailuresPerNumberAndNetwork, "failures-per-number-and-network", "wrong codes per number from strangers on one network")
	f.Rates(&l.FailuresPerNumber, "failures-per-number", "wrong codes per number from all strangers; a new code does not reset the count")
	f.Bucket(&l.FailuresPerKnownDevice, "failures-per-known-device", "wrong codes per number from its known devices")
	f.Rates(&l.FailuresPerAddress, "failures-per-address", "wrong codes per address, an IPv6 address counting as its /64")
	f.Rates(&l.FailuresPerSubnet, "failures-per-subnet", "wrong codes per IPv6 /56")
	f.Rates(&l.FailuresPerNetwork, "failures-per-network", "wrong codes per IPv4 /24 or IPv6 /48")
	f.Rates(&l.FailuresTotal, "failures-total", "wrong codes of strangers in total, beyond which their resets are refused")
	f.Rate(&l.FailuresAlarm, "failures-alarm", "of wrong codes that raises an alarm event")

	f.Rates(&l.RefusalsPerAddress, "refusals-per-address", "refused passwords and CAPTCHAs per address, an IPv6 address counting as its /64")
	f.Rates(&l.RefusalsPerSubnet, "refusals-per-subnet", "refused passwords and CAPTCHAs per IPv6 /56")
	f.Rates(&l.RefusalsPerNetwork, "refusals-per-network", "refused passwords and CAPTCHAs per IPv4 /24 or IPv6 /48")
	f.Rates(&l.SuspiciousSendsPerPrefix, "suspicious-sends-per-prefix", "sends to numbers that share all but four digits; from half of it on, a CAPTCHA is required")
	f.Rates(&l.SuspiciousSendsTotal, "suspicious-sends-total", "sends in total; from half of it on, a CAPTCHA is required")
}

// budget defines the flags of the SMS budgets.
func (f *Set) budget(b *identity.BudgetPolicy) {
	f.Rates(&b.Total, "budget-total", "messages that are handed to providers in total: your spending cap")
	f.Rates(&b.PerTenant, "budget-per-tenant", "messages per tenant")
	f.Rates(&b.PerClient, "budget-per-client", "messages per application")
	f.RegionRates(&b.PerRegion, "budget-per-region", "`REGION=RATES`, messages to numbers of a region, semicolon-separated; default none")
	f.Rates(&b.PerPrefix, "budget-per-prefix", "messages to numbers that share all but their last four digits")
	f.Rate(&b.Alarm, "budget-alarm", "of messages that raises an alarm event; default: 80 % of the first of -budget-total")
	f.Word((*string)(&b.Unredeemed), "budget-unredeemed", "what to do when too many codes are not redeemed: `MODE` record, enforce or off")
	f.Rates(&b.UnredeemedPerPrefix, "budget-unredeemed-per-prefix", "codes sent and not redeemed, to numbers that share all but their last four digits")
	f.Rates(&b.UnredeemedPerNetwork, "budget-unredeemed-per-network", "codes sent and not redeemed, asked for from one network")
	f.Rates(&b.UnredeemedPerRegion, "budget-unredeemed-per-region", "codes sent and not redeemed, to numbers of a region, that raise an alarm event; nothing is refused")
}
