// Package limit holds the arithmetic of Rekey's limits.
//
// # The log
//
// A store keeps one opaque state for each [Key]: a log of the events that the key
// has seen, such as the codes sent to one number. [Limit.Spend] reads the state,
// checks every [Rule] of the limit against it, and returns the state with one
// event added, or an [*Error] that names the rules that refused. A store only stores
// states; this package does the arithmetic.
//
// Events have two marks, such as the caller's network and device, so that one state
// answers several questions: how many codes were sent to this number, how many of them
// from this network, how many from this device. One row is read and written instead of one
// for each question.
//
// # Known devices
//
// A state can also remember devices, see [Change]. A rule may limit only known devices or
// only strangers. So strangers cannot use up the limits of known devices.
//
// # Exactness
//
// A [Rate] of up to 128 events counts exact instants: no span of length Per ever
// holds more than Limit events. A larger rate counts in steps of 1/64 of its own
// window and frees a place later than due by at most one step. A large rate never
// makes a smaller rate of the same limit coarser.
//
// # Clocks
//
// No wait is longer than the window of the rule that refused. Events more than a few
// seconds ahead of the clock were recorded by a wrong clock; they do not count until the
// clock reaches them. A state forgets by the times of its own events, so a clock that is
// ahead for a minute makes it forget nothing.
package limit
