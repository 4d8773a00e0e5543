package settings

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
)

// Defaults returns the configuration with which the flags begin: the library's
// defaults, except for fields whose default is derived from another field.
func Defaults() identity.Config {
	c := identity.Config{}.WithDefaults()
	c.Countries, c.HashQueue, c.HashConcurrency = nil, 0, 0
	derived(&c)
	c.Texts, c.Logger, c.Now = nil, nil, nil
	c.Purposes, c.EventTypes = nil, nil // flags add to these lists
	return c
}

// FlagName returns the flag of a field of identity.Config: the field's path in
// kebab-case, without "Limits" and without an index or a key. All texts are in one
// file.
func FlagName(field string) string {
	field, _, _ = strings.Cut(field, "[")
	if field == "Texts" || field == "Messages" || strings.HasPrefix(field, "Texts.") {
		return "texts-file"
	}
	field = strings.TrimPrefix(field, "Limits.")
	return kebab(strings.ReplaceAll(strings.ReplaceAll(field, ".", ""), "KiB", "Kib"))
}

func kebab(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) {
			afterLower := unicode.IsLower(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				b.WriteByte('-')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Check reports faults of a configuration before anything is opened or made. The store,
// the sender and the secret may be missing, because the program sets them later.
func Check(c identity.Config) error {
	var faults []error
	for _, err := range each(c.Validate()) {
		fault, ok := errors.AsType[*identity.FieldError](err)
		provided := ok && (fault.Field == "Store" && c.Store == nil || fault.Field == "SMS" && c.SMS == nil || fault.Field == "Secret" && c.Secret.Empty())
		if !provided {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return UsageError{errors.Join(faults...)}
	}
	return nil
}

// each returns the joined errors in order.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range joined.Unwrap() {
			all = append(all, each(err)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Config defines the flags of all fields of c, which begins as [Defaults]. Each is
// named like its field, see [FlagName].
func (f *Set) Config(c *identity.Config) {
	f.Numbers(c)
	f.Passwords(c)
	f.History(c)
	f.Hash(c)
	f.Notices(c)
	f.Logins(c)
	f.limits(&c.Limits)
	f.budget(&c.Budget)
	f.service(c)
}

// Numbers defines the flags that say whose numbers are served.
func (f *Set) Numbers(c *identity.Config) {
	f.Word(&c.DefaultRegion, "default-region", "`REGION` of numbers without country code, ISO 3166-1 alpha-2")
	List(f, &c.Countries, "countries", ParseWord, "`REGIONS` whose numbers are served, comma-separated; default: only -default-region")
}

// Passwords defines the flags of the rules for new passwords.
func (f *Set) Passwords(c *identity.Config) {
	p := &c.Password
	f.Int(&p.Min, "password-min", "fewest `CHARACTERS` of a new password, at least 8")
	f.Int(&p.Max, "password-max", "most `CHARACTERS` of a new password, 64 to 1024")
	scalar(f, &p.Strength, "password-strength", -1, parseInt, "least zxcvbn `SCORE` of a new password, 1 to 4; 0 switches the estimate off")
	List(f, &p.Words, "password-words", ParseWord, "`WORDS` that no new password may contain, comma-separated, of at least 3 characters; default none")
	f.Text(&c.ServiceName, "service-name", "`NAME` at the head of each SMS, which no new password may contain; default none")
}

// History defines the flag of how many earlier passwords are refused.
func (f *Set) History(c *identity.Config) {
	f.Int(&c.Password.History, "password-history", "`COUNT` of earlier passwords that are refused, 0 to 10, default 0; each costs a hash per reset")
}

// Events defines the flag of the events that are posted.
func (f *Set) Events(c *identity.Config) {
	List(f, &c.EventTypes, "event-types", ParseEventType, "`TYPES` of audit events that the events webhook gets, comma-separated; default: password.reset, user.locked and limit.alarm")
}

// Notices defines the flags of the notice that a password was changed.
func (f *Set) Notices(c *identity.Config) {
	f.Word(&c.DefaultLanguage, "default-language", "`LANGUAGE` of SMS and errors when X-L names no available language, BCP 47; shipped: en, zh")
	f.Duration(&c.NoticeLifetime, "notice-lifetime", "`DURATION` for which the notice of a reset is tried")
}

// Hash defines the flags of the cost of hashing.
func (f *Set) Hash(c *identity.Config) {
	h := &c.Hash
	scalar(f, &h.MemoryKiB, "hash-memory-kib", 0, parseUint[uint32](32), "argon2id memory in `KIB`, 19456 to 1048576")
	scalar(f, &h.Iterations, "hash-iterations", 0, parseUint[uint32](32), "argon2id `PASSES`, 2 to 64")
	scalar(f, &h.Parallelism, "hash-parallelism", 0, parseUint[uint8](8), "argon2id `LANES`, 1 to 16")
}

// service defines the flags of all other fields that a server can set.
func (f *Set) service(c *identity.Config) {
	f.Int(&c.CodeDigits, "code-digits", "`DIGITS` of a code, 6 to 10")
	f.Duration(&c.CodeLifetime, "code-lifetime", "`DURATION` that a code is valid, 1s to 10m")
	f.Int(&c.HashConcurrency, "hash-concurrency", "`COUNT` of hashes computed at the same time, at most 1024: memory is bounded by it times -hash-memory-kib; default: the number of processors")
	scalar(f, &c.HashQueue, "hash-queue", -1, parseInt, "`COUNT` of requests that may wait for a hash, the rest are answered 503; 0 for none; default: 1024 times -hash-concurrency")
	scalar(f, &c.HashWait, "hash-wait", -1, parseDuration, "longest `DURATION` that a request may have to wait for a hash, the rest are answered 503, codes for resets are slowed down beyond a tenth of it and refused beyond half; 0 for no such bound")
	f.Duration(&c.StorageTimeout, "storage-timeout", "`DURATION` that one call of the database may take")
	scalar(f, &c.StorageWait, "storage-wait", -1, parseDuration, "longest `DURATION` that a request may have to wait before its steps in the database begin, the rest are answered 503; 0 for no such bound")
	f.Duration(&c.HookTimeout, "hook-timeout", "`DURATION` that one check of a CAPTCHA or look-up of a breached password may take")

	f.Text(&c.OriginDomain, "origin-domain", "`HOST` to whose pages browsers offer the code, as the last line of its SMS, such as example.com; default none")
	f.Text(&c.SupportContact, "support-contact", "`CONTACT` that the notice names for a person who did not change the password: a telephone number or a domain; default: \"support\"")
	f.Text(&c.AndroidAppHash, "android-app-hash", "`HASH` of 11 characters with which SMS Retriever passes the code to an Android app, as the last line of its SMS; default none")
	f.Duration(&c.SendTimeout, "send-timeout", "`DURATION` that one delivery may take")
	f.Int(&c.SendConcurrency, "send-concurrency", "`COUNT` of deliveries at the same time, 1 to 1024")
	f.Bool(&c.RetryUncertain, "retry-uncertain", "send a message again that the provider may have sent already")
	scalar(f, &c.MessageRetention, "message-retention", -1, parseDuration, "`DURATION` that finished messages are kept, without their texts; 0 keeps them")
	scalar(f, &c.EventRetention, "event-retention", -1, parseDuration, "`DURATION` that audit events are kept; 0 keeps them")
	scalar(f, &c.AnswerStep, "answer-step", -1, parseDuration, "`DURATION` to whose multiples the time of a send and of a refusal is rounded up, so that it does not show which numbers have a user; 0 for none")
	List(f, &c.Purposes, "purposes", parsePurpose, "`TYPES` of codes that are sent, comma-separated, spelled as in the API; default: FORGET_PWD_SMS")
	f.Events(c)
	f.Word((*string)(&c.CaptchaMode), "captcha-mode", "`MODE` of the CAPTCHA: always, or \"on suspicion\"")
	f.Bool(&c.KeepHashes, "keep-hashes", "leave a stored hash of any scheme unchanged when its user signs in")
	f.Bool(&c.NotifyTakenNumbers, "notify-taken-numbers", "tell the owner of a number by SMS that another person asked for a code to register it")
	List(f, &c.TestNumbers, "test-numbers", parseTestNumber, "`NUMBER=CODE/UNTIL` or NUMBER=CODE/UNTIL/USER: fixed codes for store reviews until a day such as 2027-01-31, comma-separated; default none")
	f.Bool(&c.InsecureAnyDevice, "insecure-any-device", "let a code be redeemed from a device other than the one that asked for it: "+
		"an attacker who talks a person into reading a code aloud can then use it")
}

func parsePurpose(s string) (identity.Purpose, error) {
	p := identity.Purpose(strings.TrimSpace(s))
	if !p.Known() {
		return "", errors.New("not a type of code of the API")
	}
	return p, nil
}

func parseTestNumber(s string) (identity.TestNumber, error) {
	number, rest, found := strings.Cut(s, "=")
	parts := strings.SplitN(rest, "/", 3)
	if !found || len(parts) < 2 {
		return identity.TestNumber{}, errors.New(`not like "+8613800000000=123456/2027-01-31"`)
	}
	until, err := time.Parse(time.DateOnly, strings.TrimSpace(parts[1]))
	if err != nil {
		return identity.TestNumber{}, errors.New(`the day is not like "2027-01-31"`)
	}
	t := identity.TestNumber{Mobile: strings.TrimSpace(number), Code: identity.NewSecret(strings.TrimSpace(parts[0])), Until: until}
	if len(parts) == 3 {
		t.UserID = strings.TrimSpace(parts[2])
	}
	return t, nil
}

// ParseEventType reads the type of an audit event.
func ParseEventType(s string) (audit.Type, error) {
	t := audit.Type(strings.TrimSpace(s))
	if !t.Known() {
		return "", errors.New("not a type of audit event, such as password.reset")
	}
	return t, nil
}

// Field returns the fault of one field, or nil.
func Field(c identity.Config, field string) *identity.FieldError {
	for _, err := range each(c.Validate()) {
		if fault, ok := errors.AsType[*identity.FieldError](err); ok && fault.Field == field {
			return fault
		}
	}
	return nil
}
