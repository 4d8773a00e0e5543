package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
)

// Config is everything a [Service] is built from. Store, SMS and Secret are
// mandatory; every other field has a default that New fills in when it is zero.
type Config struct {
	// Store keeps everything. Mandatory.
	Store Storage

	// Users keeps the people, where that is not Store. Nil: Store does.
	//
	// A reset then takes two steps in two databases, in an order that hurts nobody
	// if the second fails. First Store uses the code up, and queues the notice and
	// the event; then Users replaces the password. If it does not, or the process
	// dies in between, the old password stays, the person needs another code, and
	// the notice and the event, which wait until Users says that the password has
	// changed, are given up after a minute. Users must keep PasswordChangedAt to the
	// millisecond. The audit trail has "code.redeemed" for the first step, and
	// "password.reset" or "reset.failed" for the second, or neither after a crash.
	Users Users

	// SMS carries the messages. Mandatory; called by [Service.Run] only.
	SMS sms.Sender

	// Secret is what the keys for code digests and sealed texts are derived from,
	// at least 32 bytes. Mandatory. Whoever has it and the database can find live
	// codes; whoever has the database alone can not.
	Secret Secret
	// OldSecrets are earlier secrets. Codes and messages made with one stay good
	// while it is listed; nothing new is made with it.
	OldSecrets []Secret

	// Guard is asked before a send and before a reset, for example about a SIM
	// change, a mandatory second factor or a locked account. Nil allows all.
	Guard Guard
	// Captcha is asked before a send. Nil: tokens are ignored.
	Captcha CaptchaVerifier
	// Breached is asked about each new password that passed the other rules.
	// Nil asks nobody.
	Breached BreachedPasswords
	// OnPasswordReset is called by [Service.Run] at least once for each committed
	// reset, also when the process died in between: end the user's sessions there.
	// An error repeats the call, with growing pauses, for EventLifetime. Nil:
	// compare [User.PasswordChangedAt] with the age of a session instead.
	OnPasswordReset func(context.Context, PasswordResetEvent) error

	// Logger gets what an operator should know, never a secret, numbers masked.
	// Nil discards.
	Logger *slog.Logger
	// Now is the clock. Nil: time.Now. Servers that share a storage may differ by
	// seconds: a code's life ends, and a message is taken over, by the clock of the
	// server that is asked, and waits and windows are longer or shorter by the
	// difference. Beyond 30 seconds a message could be taken over while it is sent.
	Now func() time.Time

	// DefaultRegion is where a number without country code belongs, as an ISO
	// 3166-1 alpha-2 code. Default "CN".
	DefaultRegion string
	// Countries are the regions whose numbers are served. Default: DefaultRegion
	// alone, because premium foreign prefixes are how SMS budgets are stolen.
	Countries []string

	// CodeDigits is the length of a code: 6 to 10, default 6.
	CodeDigits int
	// CodeLifetime: at most 10 min (SP 800-63B-4, 4.2.1.2), default 5 min.
	CodeLifetime time.Duration

	// Limits bound sends and guesses. Zero fields take their default.
	Limits LimitPolicy

	// Password rules. Zero fields take their default.
	Password PasswordPolicy

	// Hash sets argon2id's cost. Zero fields take their default.
	Hash HashParams
	// HashConcurrency is how many hashes are computed at once: memory is bounded
	// by HashConcurrency × Hash.MemoryKiB. Default runtime.GOMAXPROCS(0); 1 to 1024.
	HashConcurrency int
	// HashQueue is how many callers may wait for a hash; any more get a
	// [*BusyError] at once. Default 64 × HashConcurrency; -1 for none.
	HashQueue int

	// Texts are the messages by language. Default [DefaultTexts]: English and Chinese.
	Texts Texts
	// DefaultLanguage is the language of messages when the caller names none that
	// Texts has. Default "en".
	DefaultLanguage string
	// ServiceName stands in the messages, and no password may contain it. Default none.
	ServiceName string
	// OriginDomain, such as "example.com", ends each code's SMS with the line
	// "@example.com #123456", by which browsers offer the code on that site and no
	// other (W3C WICG, "Origin-bound one-time codes delivered via SMS"). A host
	// name in lower case, ASCII. Default none.
	OriginDomain string
	// AndroidAppHash is the 11 characters by which Google's SMS Retriever hands a
	// code's SMS to the app; they become its last line. Not together with
	// OriginDomain. Default none.
	AndroidAppHash string

	// SendTimeout bounds one delivery. Default 10 s.
	SendTimeout time.Duration
	// SendConcurrency is how many deliveries run at once in one process. Default 8.
	SendConcurrency int
	// RetryUncertain sends a message again that the provider may have sent
	// already. Default off: the person asks again sooner than they read two codes.
	RetryUncertain bool
	// NoticeLifetime is for how long the notice of a reset is tried. Default 24 h.
	NoticeLifetime time.Duration
	// EventLifetime is for how long OnPasswordReset is tried. Default 7 days.
	EventLifetime time.Duration

	// MessageRetention is how long finished messages are kept, without their
	// texts. Default 7 days; -1 keeps them.
	MessageRetention time.Duration
	// EventRetention is how long audit events are kept. Default 400 days; -1 keeps them.
	EventRetention time.Duration

	// AnswerStep is what the time of a send and of a refusal is rounded up to, so
	// that what differs by microseconds between a known and an unknown number does
	// not show in it. Default 10 ms; -1 switches it off, for tests.
	AnswerStep time.Duration

	// InsecureAnyDevice lets a code be redeemed from another device than asked
	// for it. Whoever reads or guesses a code can then use it from anywhere: an
	// attacker who talks a person into reading a code aloud needs nothing else,
	// and guesses from all devices in the world count against one code.
	InsecureAnyDevice bool
}

// HashParams are argon2id's parameters. The defaults are the floor too (OWASP
// Password Storage: m=19456, t=2, p=1).
type HashParams struct {
	MemoryKiB   uint32 // default and minimum 19,456; at most 1,048,576
	Iterations  uint32 // default and minimum 2; at most 64
	Parallelism uint8  // default and minimum 1; at most 16
}

// PasswordPolicy is what a new password must satisfy.
type PasswordPolicy struct {
	// Min and Max are lengths in Unicode code points after NFC. Min: at least 8,
	// default 8. Max: at least 64 (SP 800-63B-4, 3.1.1.2), default 256, at most 1024.
	Min, Max int
	// Strength is the least estimate of 0 to 4, in the manner of zxcvbn. Default 3 (up to 10^10
	// guesses); -1 switches the estimate off.
	Strength int
	// Words must not occur in a password, whatever their case.
	Words []string
	// History is how many earlier passwords are refused: 0 to 10, default 0. Each
	// costs one more argon2id hash at every reset.
	History int
}

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

// fill sets the defaults.
func (c *Config) fill() {
	def(&c.DefaultRegion, "CN")
	if len(c.Countries) == 0 {
		c.Countries = []string{c.DefaultRegion}
	}
	def(&c.CodeDigits, 6)
	def(&c.CodeLifetime, 5*time.Minute)
	c.Limits.fill()
	def(&c.Password.Min, 8)
	def(&c.Password.Max, 256)
	def(&c.Password.Strength, 3)
	def(&c.Hash.MemoryKiB, minHash.MemoryKiB)
	def(&c.Hash.Iterations, minHash.Iterations)
	def(&c.Hash.Parallelism, minHash.Parallelism)
	def(&c.HashConcurrency, runtime.GOMAXPROCS(0))
	def(&c.HashQueue, 64*c.HashConcurrency)
	def(&c.DefaultLanguage, "en")
	def(&c.SendTimeout, 10*time.Second)
	def(&c.SendConcurrency, 8)
	def(&c.NoticeLifetime, 24*time.Hour)
	def(&c.EventLifetime, 7*24*time.Hour)
	def(&c.AnswerStep, 10*time.Millisecond)
	def(&c.MessageRetention, 7*24*time.Hour)
	def(&c.EventRetention, 400*24*time.Hour)
	if c.Texts == nil {
		c.Texts = DefaultTexts()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

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

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func defRates(field *[]limit.Rate, value ...limit.Rate) {
	if len(*field) == 0 {
		*field = value
	}
}

// check returns every fault of a filled configuration.
func (c *Config) check() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("identity: Config."+format, args...))
		}
	}
	bounds := func(name string, v, lo, hi int) {
		fault(v < lo || v > hi, "%s is %d, must be %d to %d", name, v, lo, hi)
	}
	fault(c.Store == nil, "Store is missing")
	fault(c.SMS == nil, "SMS is missing")
	fault(len(c.Secret.Reveal()) < minSecret, "Secret has %d bytes, must have at least %d", len(c.Secret.Reveal()), minSecret)
	for i, s := range c.OldSecrets {
		fault(len(s.Reveal()) < minSecret, "OldSecrets[%d] has %d bytes, must have at least %d", i, len(s.Reveal()), minSecret)
	}
	for _, r := range append([]string{c.DefaultRegion}, c.Countries...) {
		fault(!knownRegion(r), "DefaultRegion or Countries: %q is not an ISO 3166-1 region with phone numbers", r)
	}
	bounds("CodeDigits", c.CodeDigits, 6, 10)
	fault(c.CodeLifetime < time.Second || c.CodeLifetime > 10*time.Minute, "CodeLifetime is %s, must be 1s to 10m", c.CodeLifetime)

	l := &c.Limits
	bounds("Limits.CodeAttempts", l.CodeAttempts, 1, 10)
	bounds("Limits.LiveCodes", l.LiveCodes, 1, 10)
	bounds("Limits.ConsecutiveFailures", l.ConsecutiveFailures, 1, 100)
	for name, rates := range l.all() {
		for _, r := range rates {
			fault(r.Limit < 1 || r.Per < time.Second || r.Per > 31*24*time.Hour,
				"Limits.%s: %d per %s, must be at least 1 per 1s to 744h", name, r.Limit, r.Per)
		}
	}
	for region := range l.SendsPerRegion {
		fault(!slices.Contains(c.Countries, region), "Limits.SendsPerRegion: region %q is not among Countries", region)
	}

	p := &c.Password
	bounds("Password.Min", p.Min, 8, p.Max)
	bounds("Password.Max", p.Max, 64, 1024)
	bounds("Password.Strength", p.Strength, -1, 4)
	bounds("Password.History", p.History, 0, 10)
	for _, w := range p.Words {
		fault(len([]rune(w)) < 3, "Password.Words: %q is shorter than 3 characters", w)
	}

	errs = append(errs, checkHashParams(c.Hash)...)
	bounds("HashConcurrency", c.HashConcurrency, 1, 1024)
	bounds("HashQueue", c.HashQueue, -1, 1<<20)
	bounds("SendConcurrency", c.SendConcurrency, 1, 1024)
	for name, d := range map[string]time.Duration{
		"SendTimeout": c.SendTimeout, "NoticeLifetime": c.NoticeLifetime, "EventLifetime": c.EventLifetime,
	} {
		fault(d < time.Millisecond, "%s is %s, must be positive", name, d)
	}
	if err := c.Texts.check(); err != nil {
		errs = append(errs, err)
	}
	_, ok := c.Texts[c.DefaultLanguage]
	fault(!ok, "DefaultLanguage %q is not a language of Texts", c.DefaultLanguage)
	fault(!showsAsWritten(c.ServiceName), "ServiceName holds invalid UTF-8, control characters or bidirectional controls")
	checkLastLine(fault, c.OriginDomain, c.AndroidAppHash)
	return errors.Join(errs...)
}

const minSecret = 32

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
func (c *Config) clone() {
	c.OldSecrets = slices.Clone(c.OldSecrets)
	c.Countries = slices.Clone(c.Countries)
	c.Password.Words = slices.Clone(c.Password.Words)
	c.Limits.LoginBackoff = slices.Clone(c.Limits.LoginBackoff)
	l := &c.Limits
	for _, f := range []*[]limit.Rate{
		&l.SendsPerNumber, &l.SendsPerAddress, &l.SendsPerDevice, &l.SendsPerClient, &l.SendsPerTenant, &l.SendsTotal,
		&l.FailuresPerNumberAndDevice, &l.FailuresPerNumber, &l.FailuresPerAddress, &l.FailuresPerDevice,
		&l.FailuresPerClient, &l.FailuresPerTenant, &l.FailuresTotal, &l.LoginsPerAddress,
	} {
		*f = slices.Clone(*f)
	}
	regions := make(map[string][]limit.Rate, len(l.SendsPerRegion))
	for region, rates := range l.SendsPerRegion {
		regions[region] = slices.Clone(rates)
	}
	l.SendsPerRegion = regions
	c.Texts = c.Texts.clone()
}
