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
// # Which servers
//
// [Store.Check] and [Store.Migrate] refuse a server that only pretends to be
// PostgreSQL, with an error wrapping [ErrUnfit]. For a MariaDB Galera cluster open
// the pool with [Galera]. docs/storage.md says which server fits whom, and what
// happens when a machine goes.
//
// # Waiting
//
// Every call ends after [DefaultCallTimeout], or what [WithCallTimeout] says, and
// earlier if its context does. A connection that does not begin a transaction
// within three seconds, that broke, or that reaches a server which only reads (as
// after a failover) is closed, and the call goes on over another one; the idle
// connections are checked then too. Only a commit whose answer is lost is never
// repeated: nobody can know whether it stands.
//
// On PostgreSQL each transaction sets lock_timeout, statement_timeout and
// idle_in_transaction_session_timeout for itself. On MySQL and MariaDB a server
// goes on waiting for a lock on behalf of a client that is gone: set
// innodb_lock_wait_timeout to less than the call's time, such as with
// innodb_lock_wait_timeout=5 among the parameters of the driver's DSN. A commit
// over a connection that says nothing ends the call, and keeps its connection until
// the driver notices: readTimeout=30s among those parameters says when.
//
// On SQLite, calls that wait for the one writer share a transaction, each in a
// savepoint, so that one fsync answers all of them.
//
// # Prepared statements
//
// Statements are prepared once they have been run twice, on SQLite, MySQL and
// MariaDB; at most 100 for each connection. The drivers of PostgreSQL do so
// themselves.
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
