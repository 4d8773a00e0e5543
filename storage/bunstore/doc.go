// Package bunstore implements [identity.Storage] on any *bun.DB: SQLite,
// PostgreSQL (12 or newer), MySQL (8.0 or newer) and MariaDB (10.6 or newer),
// with the same code. It imports no driver. MySQL and MariaDB must run in their
// default strict mode, because in other modes they cut values that are too long.
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
// # The application's database
//
// All tables, and the record of applied migrations, have the prefix rekey_. The store
// touches no other table. [Store.Pending] returns the missing migrations, and
// [Store.SQL] their statements, for teams that run SQL with their own tools.
//
// # Which servers
//
// [Store.Check] and [Store.Migrate] refuse a server that only pretends to be
// PostgreSQL, with an error wrapping [ErrUnfit]. For a MariaDB Galera cluster open
// the pool with [Galera]. docs/storage.md helps to choose a server, and says what
// happens when a machine is lost.
//
// # Waiting
//
// Every call ends after [DefaultCallTimeout] or the time of [WithCallTimeout], and
// earlier if its context ends. The store closes a connection that does not begin a
// transaction within three seconds, that broke, or that reaches a read-only server (as
// after a failover). It then checks the idle connections and continues the call on
// another one. It never repeats a commit whose answer is lost, because the commit may
// have succeeded.
//
// On PostgreSQL each transaction sets lock_timeout, statement_timeout and
// idle_in_transaction_session_timeout for itself. A MySQL or MariaDB server goes on
// waiting for a lock after its client is gone. Set innodb_lock_wait_timeout below the
// call's time, for example with innodb_lock_wait_timeout=5 in the driver's DSN. If a
// connection falls silent during a commit, the call ends, but the connection stays in
// use until the driver notices. readTimeout=30s in the DSN limits that time.
//
// On SQLite, calls that wait for the one writer share a transaction, each in its own
// savepoint, so that one fsync serves all of them.
//
// # Round trips
//
// On PostgreSQL, calls that wait for each other share a transaction, and one statement
// makes the changes of a step. With [WithPipeline], a step sends the statements whose
// rows it need not read together with the next one. A reset then takes 9 round trips
// instead of 17, and a wrong guess 8 instead of 11.
//
// # Prepared statements
//
// On SQLite, MySQL and MariaDB the store prepares a statement that has run twice, at
// most 100 for each connection. The drivers of PostgreSQL prepare statements
// themselves.
//
// # Query hooks
//
// Values are passed as the driver's parameters, never inside the SQL text. Bun's query
// hooks and a server's statement log see the text only, so they show no password hash,
// digest or number. Bun's query builder writes values into the text; the store does
// not use it for that reason.
//
// # Times
//
// Times are stored as BIGINT, in milliseconds since the Unix epoch; 0 is the zero
// time. The store never asks the database for the time.
package bunstore
