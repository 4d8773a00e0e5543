// Package identity lets a person who forgot a password set a new one with the
// mobile number and a code sent by SMS. It holds the entities, the use cases and
// the two ports ([Storage] and [sms.Sender]); it knows no SQL and no HTTP.
//
// # Usage
//
// Build a [Service] with [New] from a store, a sender and a secret, run its
// [Service.Run] in a goroutine, and mount package httpadapter, which serves the
// documented routes. In the order in which an application needs them:
//
//   - [Config] configures a service; [Config.WithDefaults] shows the defaults, and
//     [Config.Validate] reports all faults together. [LimitPolicy], [BudgetPolicy],
//     [PasswordPolicy] and [Texts] are parts of it.
//   - [Service.EnsureClient] registers the applications that may call.
//   - [Service.CreateUser] makes users. A team with its own table sets [Config.Users].
//   - [Service.SendVerifyCode] and [Service.ResetByMobile] are the reset,
//     [Service.RedeemVerifyCode] is for codes of other purposes, and [Service.Authenticate]
//     checks a login. Each takes a [Caller].
//   - [RateLimitedError], [BusyError], [PasswordError] and the Err variables are the
//     refusals.
//   - [Config.OnPasswordReset] and [Config.OnEvent] tell the application what
//     happened. [Guard], [CaptchaVerifier] and [BreachedPasswords] ask it first.
//   - [Service.Events], [Service.Health] and [Service.Load] are for operators.
//
// Packages below this one hold its parts: audit the entries of the audit trail, observe
// the observations for metrics, outbox the waiting messages, limit the rates, and mobile
// the spellings of a number. For tests, package identitytest makes a service.
//
// # Security model
//
// The storage holds digests of codes, password hashes, and the sealed texts of messages
// until they are delivered. The key of the digests is outside the storage. Each guess is
// charged in its own transaction before it is compared. A code has one winner. Limits are
// in the storage, hold across processes, and are not refilled by a new code. Answers,
// counts and writes do not show whether a number has a user. A gate bounds the memory of
// hashing. After a reset all other codes of the number are ended, the person gets a notice,
// and the application is told at least once, so that it can end sessions. A reset signs no
// one in.
//
// SMS is a restricted authenticator (SP 800-63B-4, 3.2.9): use [Config.Guard] to
// refuse recovery after a SIM change or where a second factor is mandatory.
//
// # Bringing your own storage
//
// Implement [Storage] and run the suite of storage/storagetest. Each method is a step of a
// use case, and its comment says what must be atomic. The methods use the types of packages
// audit, limit and outbox.
//
// # Stability
//
// Before v1.0.0 the API may change with a minor version; the wire contract and
// stored data do not change without a migration.
package identity
