// Package webhook hands each SMS to an HTTP service of your own, by the rules of
// Standard Webhooks (https://www.standardwebhooks.com). With it you can use any
// provider that has no package here.
//
// # Request
//
// The sender makes a POST of one JSON object, see [Payload], with these header
// fields:
//
//	content-type       application/json
//	webhook-id         Message.ID: the same for each repetition of a message
//	webhook-timestamp  Unix time of this attempt in seconds
//	webhook-signature  "v1," and the base64 HMAC-SHA256 of "id.timestamp.body";
//	                   two of them, separated by a space, while a secret is rotated
//
// # What the receiver does
//
// Verify the signature over the raw body in constant time. Refuse timestamps more
// than a few minutes off. Send a message once per webhook-id, however often it
// comes. Then answer 2xx, optionally with {"id": "…"}, the provider's id of the
// message. Most languages have a library for verifying; the example needs none.
//
// # Answers
//
//	2xx                 accepted
//	408, 425, 429, 503  temporary, after Retry-After (seconds or a date, at most
//	                    an hour)
//	other 5xx           repeatable: the same message comes again, after Retry-After
//	no answer           repeatable
//	everything else     permanent; 410 says that the endpoint is gone
//
// A refusal with {"number_only": true} says that only this number is concerned, for
// example because your provider limits the messages to one number. Package failover
// then goes on using the webhook for other numbers.
//
// The sender follows no redirect, and treats one as permanent. Following it would
// carry the code to a host that is not configured.
//
// # Receipts
//
// The receiver may report later whether a message arrived. It makes a request of its
// own to the handler of [NewReceipts], signed by the same rules.
//
// # Security model
//
// The body holds the code, so the URL must be https, except for loopback hosts. The
// secret is enough to forge messages, and not to read them. Errors show neither the
// URL nor anything of the message.
//
// The signature is tested with the worked example that the reference libraries of
// Standard Webhooks share.
package webhook
