// Package smstest helps to test with and against [sms.Sender]: a
// recorder that stands in for one, and the conformance suite that each must pass.
//
// # Recorder
//
// A [Recorder] keeps what it is asked to send. A test waits for the message to a
// number with [Recorder.Next] instead of sleeping, and makes sends fail with
// [Recorder.FailNext].
//
// # Conformance
//
// [Run] tests a sender that speaks HTTP against a server which the suite owns and
// which misbehaves in every way a provider can. The package under test supplies a
// [Fixture]: how to make its sender, how its provider answers, and how to read a
// request as its provider would, signature included. Cases that depend on being
// slow use no sleeps: they wait for the request to arrive.
//
// [Check] runs the same cases without a testing.T; the suite tests itself with it.
package smstest
