// Package tencentcloud sends through Tencent Cloud SMS (API 3.0, SendSms
// 2021-01-11).
//
// # Templates
//
// The service takes an approved template and values in order, not a text:
// [Config.Templates] names one for each kind of message and language. A kind
// without a template is refused for good. Numbers of mainland China and of other
// countries need templates of different sorts, so a deployment that serves both
// has two senders. A template registered for verification codes takes values of
// at most six digits.
//
// # Authentication
//
// Signature version 3, TC3-HMAC-SHA256. Its signer is tested against the worked
// example in the documentation of that version (DescribeInstances, with the
// masked key taken literally).
//
// # Answers
//
// The service answers 200 to nearly everything; the error's code decides. A
// status "Ok" for the number is an acceptance. Frequency limits, a used up package,
// an application's daily limits and request limits are temporary, the first with
// the wait that their names give. InternalError is uncertain, as a time-out towards
// a carrier is among it, except where it names a fault of the request. The rest is
// permanent.
//
// There is no idempotency key: a request whose answer never came is uncertain.
//
// # Receipts
//
// The service posts the sending status without any authentication: anybody who
// finds the address can make it up, so there is no handler here. Whoever restricts
// that address may pass it to identity.Service.RecordReceipt; sid is the reference.
package tencentcloud
