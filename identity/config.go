package identity

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/sms"
)

// Config configures a [Service]. Store, SMS and Secret are mandatory. Every other field has
// a default, which its zero value selects. [Config.WithDefaults] shows the defaults, and
// [Config.Validate] reports all faults.
type Config struct {
	// Store keeps everything. Mandatory.
	Store Storage

	// Users keeps the users if they are not in Store. Default: Store keeps them.
	//
	// With Users, a reset takes two steps in two databases. First Store uses the code up,
	// and queues the notice and the event. Then Users replaces the password. If the second
	// step fails, or the process dies in between, the old password stays and the person
	// needs another code. The notice and the event wait until Users shows that the password
	// has changed; after a minute they are given up. Users must store PasswordChangedAt to
	// the millisecond. The audit trail has "code.redeemed" for the first step, and
	// "password.reset" or "reset.failed" for the second, or neither after a crash.
	Users Users

	// SMS sends the messages. Mandatory. Only [Service.Run] calls it.
	SMS sms.Sender

	// Secret has at least 32 bytes. The keys for code digests, row keys and sealed texts
	// are derived from it. Mandatory. The secret and the database together are enough to
	// find live codes; the database alone is not.
	Secret Secret
	// OldSecrets are earlier secrets. Codes and messages made with a listed secret stay
	// valid; new ones are made with Secret.
	OldSecrets []Secret

	// Guard is asked before a send and before a reset, for example about a SIM
	// change, a mandatory second factor or a locked account. If nil, all are allowed.
	Guard Guard
	// Captcha checks CAPTCHA tokens before a send. If nil, tokens are ignored.
	Captcha CaptchaVerifier
	// CaptchaMode says when a token is required. Default [CaptchaAlways].
	CaptchaMode CaptchaMode
	// Breached is asked about each new password that passed the other rules. If nil,
	// passwords are not checked against breaches.
	Breached BreachedPasswords
	// OnPasswordReset is called by [Service.Run] at least once for each committed reset,
	// also after a crash, and for each ChangePassword and SetPassword. End the user's
	// sessions there that are older than ChangedAt. After an error the call is repeated,
	// with growing pauses, for EventLifetime. If nil, compare [User.PasswordChangedAt] with
	// the age of a session instead.
	OnPasswordReset func(context.Context, PasswordResetEvent) error

	// OnEvent is called by [Service.Run] at least once for each audit event whose type is in
	// EventTypes. The order of calls is not always the order of time. After an error the
	// call is repeated, with growing pauses, for EventLifetime, unless the error is an
	// [*EventError] that says otherwise. If nil, no event is delivered. Package
	// identity/eventwebhook makes such a function.
	OnEvent func(context.Context, audit.Event) error
	// EventTypes are the types of events that OnEvent gets. Default
	// [audit.PasswordReset], [audit.UserLocked] and [audit.LimitAlarm].
	EventTypes []audit.Type

	// Observer counts what happens, for metrics. If nil, nothing is counted.
	Observer observe.Observer
	// Logger gets what an operator should know. Numbers are masked, and secrets are never
	// logged. If nil, nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Default time.Now. The clocks of servers that share a storage may
	// differ by some seconds: a code expires by the clock of the server that handles the
	// request, and waits and windows are longer or shorter by the difference. If they
	// differ by more than 30 seconds, a server may take over a message that another one is
	// sending.
	Now func() time.Time

	// DefaultRegion is the region of numbers without country code, as an ISO 3166-1 alpha-2
	// code. Default "CN".
	DefaultRegion string
	// Countries are the regions whose numbers are served. Default: DefaultRegion alone,
	// because attackers steal SMS budgets with expensive foreign prefixes.
	Countries []string

	// Purposes are the purposes for which codes are sent. A send for another purpose is
	// refused before any limit is spent. Default: only [PurposeForgotPassword].
	Purposes []Purpose
	// NotifyTakenNumbers sends a notice to the owner of a number when another person tries
	// to register it. The notice says that there is an account already. It counts for the
	// same limits and budgets as a code. Providers with templates need a template for
	// sms.KindNumberTaken. Default off: no SMS is sent.
	NotifyTakenNumbers bool
	// CodeDigits is the length of a code: 6 to 10, default 6.
	CodeDigits int
	// TestNumbers have a fixed code until a date, for the reviews of app stores. At most
	// 16. Anyone who knows such a code can act for its user. Default none.
	TestNumbers []TestNumber
	// CodeLifetime is how long a code is valid: at most 10 min (SP 800-63B-4, 4.2.1.2),
	// default 5 min.
	CodeLifetime time.Duration

	// Limits bound sends, guesses and logins. Zero fields take their default.
	Limits LimitPolicy
	// Budget caps what SMS may cost. Zero fields take their default.
	Budget BudgetPolicy

	// Password has the rules for new passwords. Zero fields take their default.
	Password PasswordPolicy

	// PasswordHasher makes the hashes of new passwords. Default argon2id at the costs in
	// Hash. Set it, for example to a hasher of package bcrypthash, if other services read
	// the hashes. Hashes of other schemes still verify.
	PasswordHasher PasswordHasher
	// KeepHashes leaves a stored hash as it is when the person signs in, whatever its
	// scheme. Default off: a hash that PasswordHasher would not make is replaced then.
	KeepHashes bool
	// Hash sets argon2id's cost. Zero fields take their default.
	Hash HashParams
	// HashConcurrency is how many hashes are computed at the same time: 1 to 1024. It
	// bounds the memory to HashConcurrency × Hash.MemoryKiB. Default
	// runtime.GOMAXPROCS(0).
	HashConcurrency int
	// HashQueue is how many callers may wait for a hash. Further callers get a [*BusyError]
	// immediately. Default 1,024 × HashConcurrency; -1 for none. In practice HashWait
	// bounds the queue.
	HashQueue int
	// HashWait is the longest that a caller should wait for a hash, judged by the duration
	// of recent hashes. A caller that would wait longer gets a [*BusyError] immediately,
	// before any call of Store. So does a send for a reset when a hash would wait for more
	// than half of HashWait: the rest of the queue is for people who have a code. Beyond a
	// tenth of it, codes for resets are sent only as fast as hashes are computed. Default
	// 5 s; -1 for no such bound.
	HashWait time.Duration

	// StorageTimeout bounds each call of Store and Users. Default 5 s. Choose it
	// below the time-outs of your HTTP server.
	StorageTimeout time.Duration
	// StorageWait is the longest that a send, a guess or a login should have to wait
	// before its steps on Store begin, going by how long they take. A caller that would
	// wait longer gets a [*BusyError] immediately, before Store is asked for anything.
	// Default 1 s; -1 for no such bound.
	StorageWait time.Duration

	// HookTimeout bounds each call of Guard, Captcha and Breached. A call that takes longer
	// is abandoned and counts as failed. Default 5 s. Choose it below the time-outs of your
	// HTTP server.
	HookTimeout time.Duration

	// Texts are the messages by language. Default [DefaultTexts]: English and Chinese.
	Texts Texts
	// DefaultLanguage is the language of messages if Texts has none of the caller's
	// languages. Default "en".
	DefaultLanguage string
	// ServiceName is part of the messages, and no password may contain it. Default none.
	ServiceName string
	// SupportContact tells a person who did not change the password whom to contact: a
	// telephone number, a domain or an address. It replaces {contact} in the notices (SP
	// 800-63B-4, section 4.6). For providers with templates, put it into the approved
	// template instead. Default: a word of the language, such as "support".
	SupportContact string
	// OriginDomain, such as "example.com", adds the last line "@example.com #123456" to
	// each SMS with a code. Browsers then offer the code only on that site (W3C WICG,
	// "Origin-bound one-time codes delivered via SMS"). A host name in lower case, ASCII.
	// Default none.
	OriginDomain string
	// AndroidAppHash is the last line of each SMS with a code: the 11 characters by which
	// Google's SMS Retriever hands the SMS to your app. It cannot be combined with
	// OriginDomain. Default none.
	AndroidAppHash string

	// SendTimeout bounds each call of SMS, OnPasswordReset and OnEvent. Default 10 s.
	SendTimeout time.Duration
	// SendConcurrency is how many codes one process hands to the provider at the same time.
	// If the provider takes 300 ms, 64 deliver 200 codes a second. Default 64.
	SendConcurrency int
	// RetryUncertain sends a message again that the provider may have sent already. The
	// person may then get it twice. Default off: the person asks for a new code instead.
	RetryUncertain bool
	// NoticeLifetime is how long the delivery of a notice is tried. Default 24 h.
	NoticeLifetime time.Duration
	// EventLifetime is how long calls of OnPasswordReset and OnEvent are tried. Default 7
	// days.
	EventLifetime time.Duration

	// MessageRetention is how long finished messages are kept, without their
	// texts. Default 7 days; -1 keeps them.
	MessageRetention time.Duration
	// EventRetention is how long audit events are kept. Default 400 days; -1 keeps them.
	EventRetention time.Duration

	// AnswerStep is the step to which the duration of a send and of a refusal is rounded
	// up, so that it does not show the microseconds by which known and unknown numbers
	// differ. Default 10 ms; -1 switches it off, for tests.
	AnswerStep time.Duration

	// InsecureAnyDevice lets every device redeem a code, not only the device that asked for
	// it. The attack: a person who is talked into reading a code aloud gives the attacker
	// all that is needed, and guesses from all devices are compared with one code.
	InsecureAnyDevice bool
}

// HashParams are the parameters of argon2id. The defaults are also the minimums (OWASP
// Password Storage: m=19456, t=2, p=1).
type HashParams struct {
	MemoryKiB   uint32 // default and minimum 19,456; at most 1,048,576
	Iterations  uint32 // default and minimum 2; at most 64
	Parallelism uint8  // default and minimum 1; at most 16
}

// PasswordPolicy has the rules for new passwords.
type PasswordPolicy struct {
	// Min and Max are lengths in Unicode code points after NFC. Min: at least 8,
	// default 8. Max: at least 64 (SP 800-63B-4, 3.1.1.2), default 256, at most 1024.
	Min, Max int
	// Strength is the least score, 0 to 4, of an estimate like that of zxcvbn. Default 3
	// (more than 10^8 guesses); -1 switches the estimate off.
	Strength int
	// Words must not occur in a password, in any case.
	Words []string
	// History is how many earlier passwords are refused: 0 to 10, default 0. Each
	// costs one more argon2id hash at every reset.
	History int
}
