// Package sqlite opens an SQLite file as an [identity.Storage]: with the pure-Go
// driver, the right settings, private file modes, and the schema up to date.
//
// # Durability
//
// A commit is on disk when it is acknowledged (WAL with synchronous=FULL). With NORMAL
// a power loss can lose acknowledged commits, and a used code could work again.
package sqlite
