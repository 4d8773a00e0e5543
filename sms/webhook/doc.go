// Package webhook hands each SMS to an HTTP service of the embedder's own, by the
// rules of Standard Webhooks (https://www.standardwebhooks.com), so that any
// carrier can be reached without a package of its own here.
//
// # Request
//
// A POST of one JSON object, see [Payload], with these header fields:
//
//	content-type       application/json
//	webhook-id         SMS.ID: the same for each repetition of a message
//	webhook-timestamp  Unix time of this attempt in seconds
//	webhook-signature  "v1," and the base64 HMAC-SHA256 of "id.timestamp.body";
//	                   two of them, separated by a space, while a secret is rotated
//
// # What the receiver does
//
// Verify the signature over the raw body in constant time, refuse timestamps more
// than a few minutes off, and send a message once per webhook-id, however often it
// comes. Then answer 2xx, optionally with {"id": "…"}, the carrier's id of the
// message. A standard library for verifying exists in most languages; the example
// needs none.
//
// # Answers
//
//	2xx                       accepted
//	408, 425, 429, 5xx        temporary, after Retry-After (seconds or a date,
//	                          at most an hour)
//	everything else           permanent; 410 says that the endpoint is gone
//	no answer                 temporary: repeating is harmless by the id
//
// Redirects are not followed and count as permanent: following would hand the
// code to a host that nobody configured, and a 307 is the same at each repetition.
//
// # Receipts
//
// The receiver may later tell what became of a message, in a request of its own to
// the handler of [NewReceipts], signed by the same rules.
//
// # Security model
//
// The body holds the code, so the URL must be https, except for loopback hosts.
// Whoever has the secret can forge messages, not read them. Errors name neither
// the URL nor anything of the message.
//
// The signature is tested against the worked example that the Standard Webhooks
// reference libraries share.
package webhook
