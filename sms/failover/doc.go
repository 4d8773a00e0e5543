// Package failover makes one sender of several.
//
// # Order
//
// Only providers that serve the number are asked. A provider with a prefix that
// fits comes first, the longest prefix before the others. Providers without prefixes
// follow. Otherwise the configured order holds.
//
// # When the next provider is asked
//
// The next provider is asked after a failure that says "not sent", temporary or
// permanent. A refusal is mostly the provider's own: no template, no contract for
// the country, expired credentials, a limit for the number. [Config.StopAfterRefusal]
// changes that.
//
// The next provider is not asked after [sms.Uncertain] and [sms.Repeatable], because
// the person would get two messages. A repeatable message stays with its provider:
// the next try asks only that provider, as long as this process remembers.
// [Config.RetryUncertain] changes that.
//
// # Circuit breaker
//
// Each provider has a circuit breaker. It opens after [Config.FailuresToOpen]
// failures in a row, temporary and uncertain ones. The provider is then passed over
// for [Config.OpenFor], until a single message tries it again.
//
// Some failures do not count, because one person could use them to close a provider
// for all other people: refusals, which a code to an impossible number causes;
// failures about the number alone ([sms.Error] NumberOnly), such as a provider's limit
// for one number; and further failures of a message that failed at the provider
// since its last success. Sends that the caller ended do not count either.
//
// # Time
//
// The time until the deadline of ctx is divided equally among the providers that
// are still to be asked for this message. Providers of other numbers, and those that
// are passed over, get no part. What a provider leaves goes to the next ones.
// [Provider.Timeout] caps one attempt. Without a deadline an attempt may take
// [Provider.Timeout], or else [DefaultTimeout].
package failover
