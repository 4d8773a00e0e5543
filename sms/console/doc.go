// Package console writes each SMS as readable lines to an io.Writer, for trying the
// module on your own machine.
//
// # Security
//
// Everyone who sees the writer can read the codes: in a terminal, a log collector, a
// container's output. Never use it for numbers of real people.
//
// # Form
//
// A message is one header line, followed by each line of the text after "  | ".
// Characters that do not print appear as Go escapes, among them terminal escapes and
// changes of writing direction. A text therefore cannot forge what is shown.
package console
