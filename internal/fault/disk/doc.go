// Package disk answers the question: what happens while the database cannot be
// written? The disk is full, the file is read-only, or another process holds the
// lock.
package disk
