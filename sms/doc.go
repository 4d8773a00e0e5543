// Package sms is the contract between Rekey and an SMS provider.
//
// # Senders
//
// A [Sender] hands one [Message] to a provider. The packages below sms implement
// it for well-known providers; package webhook calls an HTTP endpoint of your own,
// and package failover uses several senders in turn. To write a sender of your
// own, implement [Sender], return an [*Error] that says what may be done next, and
// run the suite of package smstest.
//
// # Receipts
//
// A provider that took a message may report later what became of it. A receipt
// handler turns that report into a [DeliveryReceipt] and passes it on.
//
// # Length
//
// [Measure] returns how many SMS segments a text needs. Providers charge by the
// segment.
package sms
