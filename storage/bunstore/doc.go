// Package bunstore implements [identity.Storage] on any *bun.DB: SQLite,
// PostgreSQL (12 or newer), MySQL (8.0 or newer) and MariaDB (10.6 or newer),
// from one body of code. It imports no driver. MySQL and MariaDB must run in
// their default strict mode: outside of it they cut what is too long.
//
// # Usage
//
//	store, err := bunstore.New(db)
//	if err != nil { … }
//	if err := store.Migrate(ctx); err != nil { … }
//
// With SQLite, package storage/sqlite opens the file with the right settings
// and does both.
//
// # The embedder's database
//
// All tables, and the record of applied migrations, carry the prefix rekey_.
// Nothing else is touched. [Store.Pending] says which migrations are missing,
// [Store.SQL] what they would run, for teams that run SQL by themselves.
//
// # Query hooks
//
// Values travel as the driver's parameters, never inside the SQL text, which is
// what bun's query hooks and a server's statement log get to see: neither
// password hashes nor digests nor numbers show there. Bun's query builder writes
// values into the text; it is not used for that reason.
//
// # Times
//
// Columns of times are BIGINT, in milliseconds since the Unix epoch, 0 for the
// zero time. The database is never asked for the time.
package bunstore
