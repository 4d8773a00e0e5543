// Package smstest holds a recorder that stands in for an [sms.Sender] in your
// tests, and the suite that every sender must pass.
//
// # Recorder
//
// A [Recorder] keeps the messages that it is asked to send. A test waits for the message to a
// number with [Recorder.Next] instead of sleeping, and makes sends fail with
// [Recorder.FailNext].
//
// # Conformance
//
// [Run] tests a sender that speaks HTTP against a server that misbehaves in every
// way a provider can. Your test supplies a [Fixture]: how to make the sender, how
// its provider answers, and how to read a request as the provider would, signature
// included. The cases are the rules of package sms, section Writing a sender. A
// sender on package smshttp keeps most of them without further work.
//
// [Check] runs the same cases without a testing.T.
package smstest
