// Package sms is the contract between Rekey and an SMS provider.
//
// # Senders
//
// A [Sender] hands one [Message] to a provider. The packages below sms hold senders
// for well-known providers. Package webhook calls an HTTP endpoint of your own, and
// package failover makes one sender of several.
//
// # Writing a sender
//
// Implement [Sender], and run the suite of package smstest. Package smshttp has an
// HTTP client that keeps most of these rules, and a whole sender as its example.
//
//   - Pass the text, or the values for a template, on without a change, in one
//     request. Take a default for a language that you do not have.
//   - Return [Accepted] only if the provider's answer says that it accepted the message.
//   - Return an [*Error] with [Permanent] if the provider refuses the message, and
//     with [Temporary] if it did not take the message now: too many requests, no
//     connection. Keep the wait that it names, and set NumberOnly if the reason is
//     the number of this message.
//   - In every other case the message may have been sent: after a time-out, a lost
//     connection, a 500 or an unreadable answer. Return [Uncertain] or a plain
//     error. If the provider recognises Message.ID, return [Repeatable].
//   - Honour ctx and a time-out of your own, and wrap the error of ctx.
//   - Follow no redirect, and read a bounded part of the answer.
//   - Put neither the message nor a credential into an error.
//   - Keep nothing of one message for the next: many are sent at the same time.
//
// # Receipts
//
// A provider may report later whether a message arrived. A receipt handler turns
// the report into a [DeliveryReceipt] and passes it to the service.
//
// # Length
//
// [Measure] returns how many SMS segments a text needs. Providers charge by the
// segment.
package sms
