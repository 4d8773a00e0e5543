// Package smshttp is the HTTP client that the senders below sms share. Use it to
// write a sender for your own provider: it bounds each exchange, keeps the message
// and the credentials out of errors, and says what a failure means. The example
// shows a whole sender, which passes the suite of package smstest.
//
// # Sent or not
//
// A failure before the request left (a refused connection, an unknown host, an
// untrusted certificate) is [sms.Temporary]. After that the provider may have sent
// the message, so a lost answer is [sms.Uncertain], or [sms.Repeatable] if
// [Config.Idempotent] says that the provider recognises a repetition.
//
// # Redirects
//
// The client follows no redirect. A redirect would carry the code, the number and
// perhaps the credentials to a host that is not configured.
//
// # What an error shows
//
// An error consists of fixed words, the status and the provider's error code. It
// never holds the texts of net/http's errors, which include the URL, or those of a
// provider, which repeat the number. A code that does not look like one, or that
// contains the number, the text or a value of the message, becomes "unprintable".
package smshttp
