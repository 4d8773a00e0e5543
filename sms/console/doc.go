// Package console writes each SMS as readable lines to an io.Writer, for people
// who try the module on their own machine.
//
// # Security
//
// Codes become readable to whoever sees the writer: a terminal, a log collector,
// a container's output. Never use it where the numbers belong to real people.
//
// # Form
//
// A message is one header line, then each line of the text after "  | ".
// Characters that do not print, as terminal escapes and changes of writing
// direction, appear as Go escapes, so that a text cannot forge what is shown.
package console
