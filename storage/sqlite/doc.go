// Package sqlite opens an SQLite file as an [identity.Storage]: with the pure-Go
// driver, the right settings, private file modes, and the schema up to date.
//
// # Durability
//
// Commits are on disk when they are acknowledged (WAL with synchronous=FULL).
// With NORMAL, losing power loses acknowledged commits: a used code would live
// again.
package sqlite
