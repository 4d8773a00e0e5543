// Package sns sends through Amazon Simple Notification Service (API 2010-03-31,
// Publish to a phone number).
//
// # Authentication
//
// Requests carry Signature Version 4. The signer is tested with examples of AWS's
// published test suite for that version: with and without a form, and with a session
// token.
//
// The credentials are fixed, or a function returns them before each message. The
// function serves for short-lived credentials of a role.
//
// # Answers
//
// 200 with a message id is an acceptance. Throttling, 503 and expired session
// credentials are temporary. Other 4xx are permanent; an opt-out is about the number
// only.
//
// Publish to a number has no idempotency key. A request without an answer is
// uncertain, and so are 500, 502, 504 and an acceptance that cannot be read.
//
// # Receipts
//
// SNS makes no callback: it logs the delivery status to CloudWatch. If you read the
// status there, pass it to identity.Service.RecordReceipt; messageId is the
// reference.
package sns
