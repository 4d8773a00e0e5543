// Package huaweicloud sends through Huawei Cloud Message & SMS (batchSendSms/v1).
//
// # Templates
//
// The service takes an approved template and values in order instead of a text.
// [Config.Templates] names a template for each kind of message and language. A
// message of a kind without a template is refused for good.
//
// # Authentication
//
// Requests carry X-WSSE, as documented for the call: the base64 of the SHA-256 of
// nonce, time and application secret. The documentation has no worked example with a
// known secret, so the test computes the documented formula a second time. X-WSSE
// signs neither the path nor the body; TLS protects them.
//
// # Answers
//
// 200 with the code 000000, and the same status for the number, is an acceptance.
// Too many waiting messages (E200015), 429 and 503 are temporary. Too many messages
// to one number in a minute (MILIMIT) is temporary and about the number only.
// E000000, a failure of the service itself, is uncertain. Other refusals are
// permanent; a daily limit of one number (LIMIT) and a number whose owner wants no
// messages (BLACK) are about the number only.
//
// There is no idempotency key. A request without an answer is uncertain.
//
// # Receipts
//
// Status reports are documented as not authenticated. A stranger who finds the
// address can invent reports, so this package has no handler. If you restrict access
// to the address, pass the reports to identity.Service.RecordReceipt; smsMsgId is
// the reference.
package huaweicloud
