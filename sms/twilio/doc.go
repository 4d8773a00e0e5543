// Package twilio sends through Twilio's Messaging API (2010-04-01, the Messages
// resource).
//
// # Authentication
//
// HTTP Basic, with the account's auth token or, better because it can be revoked
// by itself, an API key. There is nothing to sign.
//
// # Answers
//
// 201 with a message that has not failed is an acceptance: Twilio has queued it,
// and reports delivery elsewhere. A 429 and Twilio's errors for full queues are
// temporary, other 4xx permanent, among them 21211 (no valid number) and 21610
// (the person wrote STOP).
//
// Twilio has no idempotency key for messages: a request whose answer never came,
// a 500, 502 or 504, and an acceptance that cannot be read are uncertain.
//
// # Receipts
//
// [NewReceipts] takes status callbacks, signed with HMAC-SHA1 (X-Twilio-Signature),
// which is tested against the documentation's worked example.
//
// # Expiry
//
// The message carries a validity period that ends with the code, so that it does
// not wait in a queue to arrive useless.
package twilio
