// Package bird sends through Bird, formerly MessageBird (Channels API, a message to
// an SMS channel of a workspace).
//
// # Authentication
//
// Requests carry an access key in the Authorization field. There is nothing to sign.
// Give the key only the right to send on that one channel.
//
// # Answers
//
// 202 with a message id is an acceptance, unless the message says that it was
// rejected. 429 and 503 are temporary, other 4xx permanent.
//
// The documentation names no idempotency key for this call. A request without an
// answer is uncertain, and so are 500, 502, 504 and an acceptance that cannot be
// read.
//
// # Receipts
//
// [NewReceipts] takes what a webhook subscription to "sms.outbound" with a signing
// key sends. The documentation describes the signature, and has no worked example.
//
// # Privacy
//
// Bird keeps a contact in the workspace for each number that it sends to.
package bird
