// Package aliyun sends through Alibaba Cloud Short Message Service (Dysmsapi
// 2017-05-25, SendSms).
//
// # Templates
//
// The service takes an approved template and values, not a text: [Config.Templates]
// names one for each kind of message and language. A kind without a template is
// refused for good.
//
// # Authentication
//
// Signature version 3, ACS3-HMAC-SHA256. Its signer is tested against the worked
// example in the documentation of that version (RunInstances).
//
// The API's metadata places the parameters of SendSms in the query, so the number
// and the code are part of the URL. TLS hides them on the way; no error shows them.
//
// # Answers
//
// 200 with the code OK is an acceptance. Flow control (isv.BUSINESS_LIMIT_CONTROL,
// Throttling) and conditions that the account's owner can end while a code lives
// (no balance, a day's or month's cap) are temporary; other refusals permanent.
//
// There is no idempotency key: a request whose answer never came, and the
// service's own failures (isp.…, InternalError, 500, 502, 504), are uncertain.
//
// # Receipts
//
// The service pushes reports (SmsReport) without any authentication: anybody who
// finds the address can make them up, so there is no handler here. Whoever restricts
// that address may pass them to identity.Service.RecordReceipt; BizId is the reference.
package aliyun
