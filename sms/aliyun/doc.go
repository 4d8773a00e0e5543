// Package aliyun sends through Alibaba Cloud Short Message Service (Dysmsapi
// 2017-05-25, SendSms).
//
// # Templates
//
// The service takes an approved template and values instead of a text.
// [Config.Templates] names a template for each kind of message and language. A
// message of a kind without a template is refused for good.
//
// # Authentication
//
// Requests carry signature version 3, ACS3-HMAC-SHA256. The signer is tested with
// the worked example in the documentation of that version (RunInstances).
//
// The API takes the parameters of SendSms in the query, so the number and the code
// are part of the URL. TLS hides them on the way, and no error shows them.
//
// # Answers
//
// 200 with the code OK is an acceptance. These failures are temporary: throttling,
// and conditions that the account's owner can end while a code lives, such as no
// balance or the cap of a day or month. isv.BUSINESS_LIMIT_CONTROL is temporary and
// about the number only: by default the service takes one code a minute, five an
// hour and ten a day for one number. Other refusals are permanent.
//
// There is no idempotency key. A request without an answer is uncertain, and so are
// the service's own failures (isp.…, InternalError, 500, 502, 504).
//
// # Receipts
//
// The service pushes reports (SmsReport) without any authentication. A stranger who
// finds the address can invent reports, so this package has no handler. If you
// restrict access to the address, pass the reports to
// identity.Service.RecordReceipt; BizId is the reference.
package aliyun
