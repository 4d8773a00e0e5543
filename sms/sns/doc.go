// Package sns sends through Amazon Simple Notification Service (API 2010-03-31,
// Publish to a phone number).
//
// # Authentication
//
// Signature Version 4. Its signer is tested against examples of AWS's published
// test suite for that version: with and without a form, and with a session token.
//
// Credentials are fixed, or asked for before each message, so that short-lived
// ones of a role serve as well.
//
// # Answers
//
// 200 with a message id is an acceptance. Throttling, 503 and expired session
// credentials are temporary, other 4xx permanent.
//
// Publish to a number has no idempotency key: a request whose answer never came,
// a 500, 502 or 504, and an acceptance that cannot be read are uncertain.
//
// # Receipts
//
// SNS calls nobody back: it logs the delivery status to CloudWatch. Whoever reads
// it there may pass it to identity.Service.RecordReceipt; messageId is the reference.
package sns
