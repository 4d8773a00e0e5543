package identity

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/sms"
)

// Config is everything a [Service] is built from. Store, SMS and Secret are
// mandatory; every other field has a default, which stands for its zero value:
// [Config.WithDefaults] shows the defaults, [Config.Validate] checks the rest.
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

	// Secret is what the keys for code digests, row keys and sealed texts are derived
	// from, at least 32 bytes. Mandatory. The secret and the database together are
	// enough to find live codes; the database alone is not.
	Secret Secret
	// OldSecrets are earlier secrets. Codes and messages made with one stay good
	// while it is listed; nothing new is made with it.
	OldSecrets []Secret

	// Guard is asked before a send and before a reset, for example about a SIM
	// change, a mandatory second factor or a locked account. Nil allows all.
	Guard Guard
	// Captcha checks CAPTCHA tokens before a send. If nil, tokens are ignored.
	Captcha CaptchaVerifier
	// CaptchaMode says when a token is wanted. Default [CaptchaAlways].
	CaptchaMode CaptchaMode
	// Breached is asked about each new password that passed the other rules.
	// Nil asks nobody.
	Breached BreachedPasswords
	// OnPasswordReset is called by [Service.Run] at least once for each committed
	// reset, also when the process died in between, and for each ChangePassword and
	// SetPassword: end the user's sessions that are older than ChangedAt there.
	// An error repeats the call, with growing pauses, for EventLifetime. Nil:
	// compare [User.PasswordChangedAt] with the age of a session instead.
	OnPasswordReset func(context.Context, PasswordResetEvent) error

	// OnEvent is called by [Service.Run] at least once for each audit event whose type
	// EventTypes lists, in the order of delivery, which is not always the order of
	// time. An error repeats the call, with growing pauses, for EventLifetime, unless it
	// is an [*EventError] that says otherwise. If nil, no event is delivered. Package
	// identity/eventwebhook makes such a function.
	OnEvent func(context.Context, audit.Event) error
	// EventTypes are the types of events that OnEvent gets. Default
	// [audit.PasswordReset], [audit.UserLocked] and [audit.LimitAlarm].
	EventTypes []audit.Type

	// Observer counts what happens, for metrics. If nil, nothing is counted.
	Observer observe.Observer
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

	// Purposes are what codes are sent for. A send for any other purpose is refused
	// before anything is spent. Default [PurposeForgotPassword] alone.
	Purposes []Purpose
	// NotifyTakenNumbers sends a notice to the owner of a number that somebody wants to
	// register again, instead of nothing. It says that there is an account already. It
	// takes the same limits and budgets as a code. Providers with templates need one for
	// sms.KindNumberTaken. Default off.
	NotifyTakenNumbers bool
	// CodeDigits is the length of a code: 6 to 10, default 6.
	CodeDigits int
	// TestNumbers have a fixed code until a date, for the reviews of app stores. At most
	// 16. Anyone who knows such a code can act for its user. Default none.
	TestNumbers []TestNumber
	// CodeLifetime: at most 10 min (SP 800-63B-4, 4.2.1.2), default 5 min.
	CodeLifetime time.Duration

	// Limits bound sends, guesses and logins. Zero fields take their default.
	Limits LimitPolicy
	// Budget caps what SMS may cost. Zero fields take their default.
	Budget BudgetPolicy

	// Password rules. Zero fields take their default.
	Password PasswordPolicy

	// PasswordHasher makes the hashes of new passwords. Default argon2id at the cost
	// that Hash says. Set it, for example to package bcrypthash's, if other services
	// must go on reading the column. Hashes of other schemes verify as before.
	PasswordHasher PasswordHasher
	// KeepHashes leaves a stored hash as it is when the person signs in, whatever its
	// scheme. Default off: a hash that PasswordHasher would not make is replaced then.
	KeepHashes bool
	// Hash sets argon2id's cost. Zero fields take their default.
	Hash HashParams
	// HashConcurrency is how many hashes are computed at once: memory is bounded
	// by HashConcurrency × Hash.MemoryKiB. Default runtime.GOMAXPROCS(0); 1 to 1024.
	HashConcurrency int
	// HashQueue is how many callers may wait for a hash; any more get a
	// [*BusyError] immediately. Default 1,024 × HashConcurrency; -1 for none.
	// HashWait is what bounds the queue in practice.
	HashQueue int
	// HashWait is the longest that a caller should have to wait for a hash, going by
	// how long hashes take. A caller that would wait longer gets a [*BusyError]
	// immediately, before Store is asked for anything. So does a send for a reset when a
	// hash would have to wait for more than half as long: the rest of the queue is for
	// people who have a code. Default 5 s; -1 for no such bound.
	HashWait time.Duration

	// StorageTimeout bounds each call of Store and Users. Default 5 s. Choose it
	// below the time-outs of your HTTP server.
	StorageTimeout time.Duration
	// StorageWait is the longest that a send, a guess or a login should have to wait
	// before its steps on Store begin, going by how long they take. A caller that would
	// wait longer gets a [*BusyError] immediately, before Store is asked for anything.
	// Default 1 s; -1 for no such bound.
	StorageWait time.Duration

	// HookTimeout bounds each call of Guard, Captcha and Breached. A call that goes on
	// after it is left behind and counts as failed. Default 5 s. Choose it below the
	// time-outs of your HTTP server.
	HookTimeout time.Duration

	// Texts are the messages by language. Default [DefaultTexts]: English and Chinese.
	Texts Texts
	// DefaultLanguage is the language of messages when the caller names none that
	// Texts has. Default "en".
	DefaultLanguage string
	// ServiceName stands in the messages, and no password may contain it. Default none.
	ServiceName string
	// SupportContact says where a person turns who did not change the password: a
	// telephone number, a domain or an address. It stands for {contact} in the notices
	// (SP 800-63B-4, section 4.6). Providers with templates need it in the approved
	// template instead. Default: a word of the language, such as "support".
	SupportContact string
	// OriginDomain, such as "example.com", ends each code's SMS with the line
	// "@example.com #123456", by which browsers offer the code on that site and no
	// other (W3C WICG, "Origin-bound one-time codes delivered via SMS"). A host
	// name in lower case, ASCII. Default none.
	OriginDomain string
	// AndroidAppHash is the 11 characters by which Google's SMS Retriever hands a
	// code's SMS to the app; they become its last line. Not together with
	// OriginDomain. Default none.
	AndroidAppHash string

	// SendTimeout bounds each call of SMS, OnPasswordReset and OnEvent. Default 10 s.
	SendTimeout time.Duration
	// SendConcurrency is how many codes one process hands to the provider at the same
	// time. With a provider that takes 300 ms, 64 deliver 200 codes a second. Default 64.
	SendConcurrency int
	// RetryUncertain sends a message again that the provider may have sent
	// already. Default off: the person asks again sooner than they read two codes.
	RetryUncertain bool
	// NoticeLifetime is for how long the notice of a reset is tried. Default 24 h.
	NoticeLifetime time.Duration
	// EventLifetime is for how long OnPasswordReset and OnEvent are tried. Default 7 days.
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
