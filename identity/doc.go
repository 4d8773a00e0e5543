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
//   - [Config] is everything that a service is built from; [Config.WithDefaults] shows
//     the defaults, and [Config.Validate] reports all faults together. [LimitPolicy],
//     [BudgetPolicy], [PasswordPolicy] and [Texts] are parts of it.
//   - [Service.EnsureClient] registers the applications that may call.
//   - [Service.CreateUser] makes users. A team with its own table sets [Config.Users].
//   - [Service.SendVerifyCode] and [Service.ResetByMobile] are the reset,
//     [Service.RedeemVerifyCode] is for codes of other purposes, and [Service.Authenticate]
//     checks a login. Each takes a [Caller].
//   - [RateLimitedError], [BusyError], [PasswordError] and the Err variables are what
//     callers are refused with.
//   - [Config.OnPasswordReset] and [Config.OnEvent] tell the application what
//     happened. [Guard], [CaptchaVerifier] and [BreachedPasswords] ask it first.
//   - [Service.Events], [Service.Health] and [Service.Load] are for operators.
//
// Packages below this one hold what the service reports and what it is made of:
// audit the entries of the audit trail, observe what can be counted, outbox the
// messages that wait, limit the rates, mobile the spellings of a number. In tests,
// package identitytest has a service ready.
//
// # Security model
//
// Storage holds digests of codes keyed by a secret outside of it, password
// hashes, and message texts sealed until they are delivered. Each guess is paid
// for in a transaction of its own before it is compared; a code has one winner;
// limits live in storage and hold across processes, and a new code refills none.
// Whether a number has a user shows in no answer, no count, no kind or number
// of writes. Hashing runs behind a gate that bounds its memory. After a reset
// every other code of the number is dead, the person gets a notice, and the
// embedder is told at least once, to end sessions; nobody is signed in.
//
// SMS is a restricted authenticator (SP 800-63B-4, 3.2.9): use [Config.Guard] to
// refuse recovery after a SIM change or where a second factor is mandatory.
//
// # Bringing your own storage
//
// Implement [Storage], whose methods are steps of the use cases with their
// atomicity written on them, and run the suite of storage/storagetest. The types of
// packages audit, limit and outbox are what the methods take and return.
//
// # Stability
//
// Before v1.0.0 the API may change with a minor version; the wire contract and
// stored data do not change without a migration.
package identity
