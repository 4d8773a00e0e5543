package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// The flags of identity.Config. Each is named like its field, so that an error
// of identity.New can name the flag.

func configFlags(f *flags, c *identity.Config) {
	numberFlags(f, c)
	passwordFlags(f, c)
	hashFlags(f, c)
	loginFlags(f, c)
	limitFlags(f, &c.Limits)
	serviceFlags(f, c)
}

func numberFlags(f *flags, c *identity.Config) {
	f.word(&c.DefaultRegion, "default-region", "CN", "`REGION` of numbers without country code, ISO 3166-1 alpha-2")
	list(f, &c.Countries, "countries", parseWord, "`REGIONS` whose numbers are served, comma-separated; default: -default-region alone")
}

func passwordFlags(f *flags, c *identity.Config) {
	p := &c.Password
	f.integer(&p.Min, "password-min", 8, "fewest `CHARACTERS` of a new password, at least 8")
	f.integer(&p.Max, "password-max", 256, "most `CHARACTERS` of a new password, 64 to 1024")
	scalar(f, &p.Strength, "password-strength", 3, -1, parseInt, "least estimated strength of a new password, `SCORE` 1 to 4; 0 estimates nothing")
	list(f, &p.Words, "password-words", parseWord, "`WORDS` that no new password may contain, comma-separated, of at least 3 characters")
	f.StringVar(&c.ServiceName, "service-name", "", "`NAME` at the head of each SMS, which no new password may contain; default none")
}

func hashFlags(f *flags, c *identity.Config) {
	h := &c.Hash
	scalar(f, &h.MemoryKiB, "hash-memory-kib", 19_456, 0, parseUint[uint32](32), "argon2id memory in `KIB`, 19456 to 1048576")
	scalar(f, &h.Iterations, "hash-iterations", 2, 0, parseUint[uint32](32), "argon2id `PASSES`, 2 to 64")
	scalar(f, &h.Parallelism, "hash-parallelism", 1, 0, parseUint[uint8](8), "argon2id `LANES`, 1 to 16")
}

func loginFlags(f *flags, c *identity.Config) {
	list(f, &c.Limits.LoginBackoff, "login-waits", parseDuration,
		"`DURATIONS` to wait after 1, 2, 3… failed logins of a user in a row, comma-separated, the last for all that follow; "+
			"default: none for 4, then 1s doubling to 1h, and 24h from the 99th on")
	f.rates(&c.Limits.LoginsPerAddress, "logins-per-address", perHour(100), "failed logins per address")
}

// serviceFlags are all other fields that a server can set.
func serviceFlags(f *flags, c *identity.Config) {
	f.integer(&c.CodeDigits, "code-digits", 6, "`DIGITS` of a code, 6 to 10")
	f.duration(&c.CodeLifetime, "code-lifetime", 5*time.Minute, "`DURATION` that a code lives, 1s to 10m")
	f.integer(&c.Password.History, "password-history", 0, "`COUNT` of earlier passwords that are refused, 0 to 10, default 0; each costs a hash per reset")
	f.integer(&c.HashConcurrency, "hash-concurrency", 0, "`COUNT` of hashes computed at once, at most 1024: memory is bounded by it times -hash-memory-kib; default: 0 for the number of processors")
	scalar(f, &c.HashQueue, "hash-queue", 0, -1, parseInt, "`COUNT` of requests that may wait for a hash, the rest are answered 503; 0 for none; default: 64 times -hash-concurrency")

	f.word(&c.DefaultLanguage, "default-language", "en", "`LANGUAGE` of SMS and errors when X-L names none that there is, BCP 47; shipped: en, zh")
	f.StringVar(&c.OriginDomain, "origin-domain", "", "`HOST` whose pages browsers offer the code to, as the last line of its SMS, such as example.com; default none")
	f.StringVar(&c.AndroidAppHash, "android-app-hash", "", "`HASH` of 11 characters by which SMS Retriever hands the code to an Android app, as the last line of its SMS; default none")
	f.duration(&c.SendTimeout, "send-timeout", 10*time.Second, "`DURATION` that one delivery may take")
	f.integer(&c.SendConcurrency, "send-concurrency", 8, "`COUNT` of deliveries at once, 1 to 1024")
	f.BoolVar(&c.RetryUncertain, "retry-uncertain", false, "send again what the provider may have sent already")
	f.duration(&c.NoticeLifetime, "notice-lifetime", 24*time.Hour, "`DURATION` that the notice of a reset is tried")
	scalar(f, &c.MessageRetention, "message-retention", 7*24*time.Hour, -1, parseDuration, "`DURATION` that finished messages are kept, without their texts; 0 keeps them")
	scalar(f, &c.EventRetention, "event-retention", 400*24*time.Hour, -1, parseDuration, "`DURATION` that audit events are kept; 0 keeps them")
	scalar(f, &c.AnswerStep, "answer-step", 10*time.Millisecond, -1, parseDuration, "`DURATION` that the time of a send and of a refusal is rounded up to, so that it tells no numbers apart; 0 for none")
	f.BoolVar(&c.InsecureAnyDevice, "insecure-any-device", false, "let a code be redeemed from another device than asked for it: "+
		"whoever talks a person into reading a code aloud can then use it")
}

func limitFlags(f *flags, l *identity.LimitPolicy) {
	f.integer(&l.CodeAttempts, "code-attempts", 5, "`COUNT` of guesses at one code, 1 to 10")
	f.integer(&l.LiveCodes, "live-codes", 3, "`COUNT` of codes of one number that live at once, 1 to 10")

	scalar(f, &l.SendCooldown, "send-cooldown", time.Minute, -1, parseDuration, "`DURATION` between two sends to a number; 0 for none")
	f.rates(&l.SendsPerNumber, "sends-per-number", []limit.Rate{{Limit: 3, Per: 10 * time.Minute}, {Limit: 5, Per: time.Hour}, {Limit: 10, Per: 24 * time.Hour}}, "sends per number, all of which hold")
	f.rates(&l.SendsPerAddress, "sends-per-address", perHour(30), "sends per address, an IPv6 address counting as its /64")
	f.rates(&l.SendsPerDevice, "sends-per-device", perHour(10), "sends per device")
	f.rates(&l.SendsPerClient, "sends-per-client", perHour(1000), "sends per application, a spending cap")
	f.rates(&l.SendsPerTenant, "sends-per-tenant", perHour(1000), "sends per tenant, a spending cap")
	f.rates(&l.SendsTotal, "sends-in-all", perHour(1000), "sends in all, the spending cap to think about")
	f.regionRates(&l.SendsPerRegion, "sends-per-region", "`REGION=RATES`, sends to numbers of a region, semicolon-separated; default none")
	f.rate(&l.SendsAlarm, "sends-alarm", limit.Rate{}, "of sends that raises an alarm event; default: 80 % of the first of -sends-in-all")

	f.rates(&l.FailuresPerNumberAndDevice, "failures-per-number-and-device", perDay(10), "wrong codes per number and device")
	f.rates(&l.FailuresPerNumber, "failures-per-number", perDay(20), "wrong codes per number; a new code refills nothing")
	f.integer(&l.ConsecutiveFailures, "failures-in-a-row", 50, "`COUNT` of wrong codes in a row that locks SMS reset for a number until \"user unlock\" or a login, at most 100")
	f.rates(&l.FailuresPerAddress, "failures-per-address", perHour(60), "wrong codes per address, an IPv6 address counting as its /64")
	f.rates(&l.FailuresPerDevice, "failures-per-device", perHour(60), "wrong codes per device")
	f.rates(&l.FailuresPerClient, "failures-per-client", perHour(10_000), "wrong codes per application")
	f.rates(&l.FailuresPerTenant, "failures-per-tenant", perHour(10_000), "wrong codes per tenant")
	f.rates(&l.FailuresTotal, "failures-in-all", perHour(10_000), "wrong codes in all, beyond which every reset is refused")
	f.rate(&l.FailuresAlarm, "failures-alarm", limit.Rate{Limit: 1000, Per: time.Hour}, "of wrong codes that raises an alarm event")
}

func perHour(n int) []limit.Rate { return []limit.Rate{{Limit: n, Per: time.Hour}} }
func perDay(n int) []limit.Rate  { return []limit.Rate{{Limit: n, Per: 24 * time.Hour}} }

// checkSettings reports the faults of a configuration before anything is opened
// or made. identity.New asks nothing of its store.
func checkSettings(c identity.Config) error {
	c.Store = struct{ identity.Storage }{}
	if c.SMS == nil {
		c.SMS = noSender{}
	}
	if c.Secret.Empty() {
		c.Secret = identity.NewSecret(fmt.Sprintf("%0*d", minSecret, 0))
	}
	if _, err := identity.New(c); err != nil {
		return usageError{errors.New(err.Error())}
	}
	return nil
}
