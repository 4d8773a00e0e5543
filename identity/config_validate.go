package identity

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
)

// FieldError is one fault of a [Config], a [NewUser] or a [Client].
type FieldError struct {
	// Of is the type that has the field: "Config", "NewUser" or "Client".
	Of string
	// Field is the path of the field, such as "CodeDigits", "Limits.SendCooldown",
	// "OldSecrets[0]" or "Texts[en].Code[forgot_password]".
	Field string
	// Problem completes a sentence that begins with the field's name, such as
	// "is 5, must be 6 to 10". It never holds a secret, a password or a hash.
	Problem string
}

func (e *FieldError) Error() string { return "identity: " + e.Of + "." + e.Field + " " + e.Problem }

// Validate returns nil, or an error that [errors.Join] made of one [*FieldError] for each
// fault of c. Zero fields count with their defaults. Validate opens nothing and hashes
// nothing. [New] calls it.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var errs []error
	fault := func(bad bool, field, format string, args ...any) {
		if bad {
			errs = append(errs, &FieldError{Of: "Config", Field: field, Problem: fmt.Sprintf(format, args...)})
		}
	}
	c.faults(fault)
	return errors.Join(errs...)
}

// faults reports all faults of a configuration with defaults.
func (c *Config) faults(fault func(bad bool, field, format string, args ...any)) {
	bounds := func(field string, v, lo, hi int) {
		fault(v < lo || v > hi, field, "is %d, must be %d to %d", v, lo, hi)
	}
	fault(c.Store == nil, "Store", "is missing")
	fault(c.SMS == nil, "SMS", "is missing")
	c.secretFaults(fault)
	c.regionFaults(fault)
	c.testNumberFaults(fault)
	bounds("CodeDigits", c.CodeDigits, 6, 10)
	fault(c.CodeLifetime < time.Second || c.CodeLifetime > 10*time.Minute, "CodeLifetime", "is %s, must be 1s to 10m", c.CodeLifetime)
	c.Limits.faults(fault)
	c.Budget.faults(fault, c.Countries)
	for _, p := range c.Purposes {
		fault(!p.Known(), "Purposes", "has %q, which is not a purpose of the API", p)
	}
	for _, t := range c.EventTypes {
		fault(!t.Known(), "EventTypes", "has %q, which is not a type of audit event", t)
	}
	fault(c.CaptchaMode != CaptchaAlways && c.CaptchaMode != CaptchaOnSuspicion, "CaptchaMode", "is %q, must be %q or %q", c.CaptchaMode, CaptchaAlways, CaptchaOnSuspicion)
	c.Password.faults(fault)
	c.Hash.faults(fault)
	bounds("HashConcurrency", c.HashConcurrency, 1, 1024)
	bounds("HashQueue", c.HashQueue, -1, 1<<20)
	bounds("SendConcurrency", c.SendConcurrency, 1, 1024)
	positive := func(field string, d time.Duration) {
		fault(d < time.Millisecond, field, "is %s, must be at least 1ms", d)
	}
	positive("SendTimeout", c.SendTimeout)
	positive("StorageTimeout", c.StorageTimeout)
	positive("HookTimeout", c.HookTimeout)
	wait := func(field string, d time.Duration) {
		fault(d < time.Millisecond && d != -1, field, "is %s, must be at least 1ms, or -1", d)
	}
	wait("HashWait", c.HashWait)
	wait("StorageWait", c.StorageWait)
	positive("NoticeLifetime", c.NoticeLifetime)
	positive("EventLifetime", c.EventLifetime)
	c.Texts.faults(fault)
	for lang, m := range c.Texts {
		fault(c.NotifyTakenNumbers && m.NumberTaken == "", "Texts["+lang+"].NumberTaken", "is missing, but NotifyTakenNumbers is set")
		fault(m.asksForContact() && m.Contact == "" && c.SupportContact == "", "Texts["+lang+"].Contact",
			"is missing: a text has {contact}, and SupportContact is empty")
	}
	_, ok := c.Texts[c.DefaultLanguage]
	fault(!ok, "DefaultLanguage", "is %q, a language without texts", c.DefaultLanguage)
	fault(!showsAsWritten(c.ServiceName), "ServiceName", "contains invalid UTF-8, control characters or bidirectional controls")
	fault(!showsAsWritten(c.SupportContact), "SupportContact", "contains invalid UTF-8, control characters or bidirectional controls")
	lastLineFaults(fault, c.OriginDomain, c.AndroidAppHash)
}

const minSecret = 32

func (c *Config) secretFaults(fault func(bad bool, field, format string, args ...any)) {
	check := func(field string, s Secret) {
		n := len(s.Reveal())
		fault(n < minSecret, field, "has %d bytes, must have at least %d", n, minSecret)
	}
	check("Secret", c.Secret)
	for i, s := range c.OldSecrets {
		check(fmt.Sprintf("OldSecrets[%d]", i), s)
	}
}

func (c *Config) regionFaults(fault func(bad bool, field, format string, args ...any)) {
	const problem = "%q is not an ISO 3166-1 region with phone numbers"
	fault(!mobile.KnownRegion(c.DefaultRegion), "DefaultRegion", problem, c.DefaultRegion)
	for _, r := range c.Countries {
		fault(r != c.DefaultRegion && !mobile.KnownRegion(r), "Countries", problem, r)
	}
}

func (p *PasswordPolicy) faults(fault func(bad bool, field, format string, args ...any)) {
	bounds := func(field string, v, lo, hi int) {
		fault(v < lo || v > hi, "Password."+field, "is %d, must be %d to %d", v, lo, hi)
	}
	bounds("Min", p.Min, 8, p.Max)
	bounds("Max", p.Max, 64, 1024)
	bounds("Strength", p.Strength, -1, 4)
	bounds("History", p.History, 0, 10)
	for _, w := range p.Words {
		fault(len([]rune(w)) < 3, "Password.Words", "has the word %q, which is shorter than 3 characters", w)
	}
}

func (p HashParams) faults(fault func(bad bool, field, format string, args ...any)) {
	bounds := func(field string, v, lo, hi uint32) {
		fault(v < lo || v > hi, "Hash."+field, "is %d, must be %d to %d", v, lo, hi)
	}
	bounds("MemoryKiB", p.MemoryKiB, minHash.MemoryKiB, 1<<20)
	bounds("Iterations", p.Iterations, minHash.Iterations, 64)
	bounds("Parallelism", uint32(p.Parallelism), uint32(minHash.Parallelism), 16)
}

func lastLineFaults(fault func(bad bool, field, format string, args ...any), domain, hash string) {
	fault(domain != "" && (len(domain) > 253 || !hostName.MatchString(domain)),
		"OriginDomain", "%q is not a host name in lower case, in ASCII, without scheme, port and path", domain)
	fault(hash != "" && !appHash.MatchString(hash), "AndroidAppHash", "%q is not the 11 characters of an app's hash", hash)
	fault(domain != "" && hash != "", "AndroidAppHash", "and an origin domain are both set, but only one of them can be the last line of the SMS")
}
