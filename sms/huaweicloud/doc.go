// Package huaweicloud sends through Huawei Cloud Message & SMS (batchSendSms/v1).
//
// # Templates
//
// The service takes an approved template and values in order, not a text:
// [Config.Templates] names one for each kind of message and language. A kind
// without a template is refused for good.
//
// # Authentication
//
// X-WSSE, as documented for the call: the base64 of the SHA-256 of nonce, time and
// application secret. The documentation prints no worked example whose secret is
// known, so this digest is tested against the documented formula alone, written a
// second time in the test. It signs neither the path nor the body: TLS does that.
//
// # Answers
//
// 200 with the code 000000 and that same status for the number is an acceptance. A
// status for too many messages (E200015) is temporary, as are 429 and 503;
// E000000, a failure of the service itself, is uncertain; other refusals are
// permanent.
//
// There is no idempotency key: a request whose answer never came is uncertain.
//
// # Receipts
//
// Status reports are documented as not authenticated: anybody who finds the
// address can make them up, so there is no handler here. Whoever restricts that
// address may pass them to identity.Service.RecordReceipt; smsMsgId is the reference.
package huaweicloud
