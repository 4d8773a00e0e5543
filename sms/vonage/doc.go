// Package vonage sends through Vonage's SMS API (rest.nexmo.com/sms/json).
//
// # Authentication
//
// The API key and secret are fields of the form, beside the message. There is
// nothing to sign. TLS protects them.
//
// # Answers
//
// The service answers 200 to nearly everything, with one status for each part of
// the message. All 0 is an acceptance. Throttled (1), no credit (9) and too many
// connections (10) are temporary. An internal error (5) and parts that disagree are
// uncertain. Other statuses are permanent; an unknown prefix (6) and a barred number
// (7) are about the number only.
//
// There is no idempotency key. A request without an answer is uncertain.
//
// # Receipts
//
// [NewReceipts] takes delivery receipts. An account signs them by the rules of
// "Signing messages" after Vonage's support has turned that on. The documentation
// has no worked example, so the signature is tested with the values in the tests of
// Vonage's own library for Python.
//
// # Text
//
// A text outside the GSM 7-bit alphabet is sent as Unicode. The service does not
// find that out by itself: it would send question marks.
package vonage
