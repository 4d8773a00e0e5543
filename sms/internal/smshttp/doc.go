// Package smshttp is the HTTP plumbing that the senders share: one exchange
// with a provider, bounded and redacted, with its failures told apart.
//
// # Redirects
//
// None is followed. A redirect would carry the code, the number and perhaps the
// credentials to a host that nobody configured.
//
// # What an error may say
//
// Errors are built from fixed words, the status and, at most, the provider's
// short error token. The texts of net/http errors are left out because they hold
// the URL, and those of providers because they repeat the number.
//
// # Sent or not
//
// A provider without an idempotency key may have sent a message whose answer
// never came. Only when nothing but the start of a request can have left is such
// a failure temporary; otherwise it is uncertain.
package smshttp
