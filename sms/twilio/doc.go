// Package twilio sends through Twilio's Messaging API (2010-04-01, the Messages
// resource).
//
// # Authentication
//
// Requests carry HTTP Basic with the account's auth token or an API key. Prefer an
// API key: it can be revoked by itself. There is nothing to sign.
//
// # Answers
//
// 201 with a message that has not failed is an acceptance: Twilio has queued the
// message, and reports delivery elsewhere. 429, full queues (21611) and the
// account's limit of a day (63038) are temporary. Too many messages from one sender
// to one number (14107) is temporary and about the number only. Other 4xx are
// permanent; a number that is not valid (21211) and a person who wrote STOP (21610)
// are about the number only.
//
// Twilio has no idempotency key for messages. A request without an answer is
// uncertain, and so are 500, 502, 504 and an acceptance that cannot be read.
//
// # Receipts
//
// [NewReceipts] takes status callbacks, signed with HMAC-SHA1 (X-Twilio-Signature).
// The signature is tested with the documentation's worked example.
//
// # Expiry
//
// The message carries a validity period that ends with the code. A message that
// waits in a queue for longer is not delivered.
package twilio
