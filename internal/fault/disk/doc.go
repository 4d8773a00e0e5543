// Package disk has the tests of a database that cannot be written for a while:
// the disk is full, the file is read-only, another process holds the lock.
package disk
