// Package tencentcloud sends through Tencent Cloud SMS (API 3.0, SendSms
// 2021-01-11).
//
// # Templates
//
// The service takes an approved template and values in order instead of a text.
// [Config.Templates] names a template for each kind of message and language. A
// message of a kind without a template is refused for good. Mainland China and other
// countries need templates of different sorts, so a deployment that serves both has
// two senders. A template registered for verification codes takes values of at most
// six digits.
//
// # Authentication
//
// Requests carry signature version 3, TC3-HMAC-SHA256. The signer is tested with the
// worked example in the documentation of that version (DescribeInstances; the masked
// key is taken literally).
//
// # Answers
//
// The service answers 200 to nearly everything, and the error's code decides. The
// status "Ok" for the number is an acceptance. These failures are temporary: a used
// up package, the application's daily limits, request limits, and frequency limits
// of one number. The codes of the last name the wait. Limits and refusals of one
// number are about the number only. InternalError is uncertain, because a time-out
// towards the phone network is among it, except where the code names a fault of the
// request. Other failures are permanent.
//
// There is no idempotency key. A request without an answer is uncertain.
//
// # Receipts
//
// The service posts the sending status without any authentication. A stranger who
// finds the address can invent reports, so this package has no handler. If you
// restrict access to the address, pass the reports to
// identity.Service.RecordReceipt; sid is the reference.
package tencentcloud
