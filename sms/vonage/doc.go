// Package vonage sends through Vonage's SMS API (rest.nexmo.com/sms/json).
//
// # Authentication
//
// The API key and secret are fields of the form, beside the message; there is
// nothing to sign. TLS protects them.
//
// # Answers
//
// The service answers 200 to nearly everything, with one status for each part of
// the message. All 0 is an acceptance. Throttled (1), no credit (9) and too many
// connections (10) are temporary, an internal error (5) and parts that disagree
// uncertain, the rest is permanent.
//
// There is no idempotency key: a request whose answer never came is uncertain.
//
// # Receipts
//
// [NewReceipts] takes delivery receipts, which an account signs by the rules of
// "Signing messages" once Vonage's support has turned that on. Their signature is
// tested against the values in the tests of Vonage's own library for Python; the
// documentation has no worked example.
//
// # Text
//
// A text outside the GSM 7-bit alphabet (3GPP TS 23.038 section 6.2.1) is sent as
// Unicode, which the service does not find out by itself: it would send question
// marks.
package vonage
