// Package identity lets a person who forgot a password set a new one with the
// mobile number and a code sent by SMS. It holds the entities, the use cases and
// the two ports ([Storage] and [sms.Sender]); it knows no SQL and no HTTP.
//
// # Usage
//
// Build a [Service] with [New] from a store, a sender and a secret, run its
// [Service.Run] in a goroutine, and call [Service.SendVerifyCode],
// [Service.ResetByMobile] and [Service.Authenticate], or mount package
// httpadapter, which does so over the documented routes. In tests, package
// identitytest has a service ready.
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
// atomicity written on them, and run the suite of storage/storagetest.
//
// # Stability
//
// Before v1.0.0 the API may change with a minor version; the wire contract and
// stored data do not change without a migration.
package identity
