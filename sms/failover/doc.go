// Package failover makes one sender of several.
//
// # Order
//
// Providers whose prefixes fit the number come first, the longest prefix before
// the others; then those without prefixes; within that, as configured. A provider
// with prefixes is not asked for other numbers.
//
// # When the next one is asked
//
// After a failure that says "not sent", temporary or permanent: a refusal is
// mostly the provider's own (no template, no contract for the country, credentials
// expired). [Config.StopAfterRefusal] changes that.
//
// Not after an uncertain one, nor after a temporary one that is harmless to repeat
// at the same provider alone ([sms.Error] MaybeSent, as of sms/webhook): the
// person would get two messages. The next try of such a message asks the same
// provider, as long as this process remembers. [Config.RetryUncertain] changes that.
//
// # Circuit breaker
//
// Each provider has one. It opens after a number of failures in a row, temporary
// and uncertain ones; then the provider is passed over for a while, until a single
// message tries it again. Refusals count for nothing, since anybody can cause them
// by asking for codes to impossible numbers, nor do sends that the caller ended.
//
// # Time
//
// The providers share the time-out that ctx carries. [Provider.Timeout] keeps one
// that hangs from using all of it.
package failover
