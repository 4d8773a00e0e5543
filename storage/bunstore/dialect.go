package bunstore

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun/dialect"
)

// engine is all that differs between the databases.
type engine struct {
	name dialect.Name
	// oneWriter says that transactions run one after the other whatever we do.
	oneWriter bool
	// prepare says that the driver compiles a statement each time, unless it is
	// prepared for it.
	prepare bool
	// oneTrip says that one statement may make several changes (WITH).
	oneTrip bool
	// galera says that the server is a node of a Galera cluster.
	galera bool
	// Column types.
	str   func(bytes int) string // compared byte for byte
	text  string
	bytes string
	key   string // of 32 bytes, indexable
	// forUpdate locks the rows of a SELECT until the transaction ends;
	// skipLocked passes over locked ones. SQLite's transactions are immediate:
	// there is one writer.
	forUpdate, forShare, skipLocked string
	// lockNumber locks a number, which follows, until the transaction ends; empty
	// where row locks on an index are enough.
	lockNumber string
	// upsert ends an INSERT that overwrites columns of a row with the same key.
	upsert func(key string, columns ...string) string
	// ignore ends an INSERT that leaves such a row alone.
	ignore func(key string) string
	tx     *sql.TxOptions
	// lock keeps two migrations from running at once.
	lock func(table string) (acquire, release string)
	// catalogue counts the tables of a name, which follows.
	catalogue string
	tableTail string
	// Types to cast to.
	castText, integer string
	// fromTimestamp makes milliseconds of a column of a native type, toTimestamp the
	// other way of a placeholder.
	fromTimestamp func(column string) string
	toTimestamp   string
	// withoutZone follows toTimestamp for a column that has no time zone and holds UTC.
	withoutZone string
}

func engineOf(name dialect.Name) (engine, error) {
	onConflict := func(key string, columns ...string) string {
		set := make([]string, len(columns))
		for i, c := range columns {
			set[i] = c + " = excluded." + c
		}
		return " ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(set, ", ")
	}
	doNothing := func(key string) string { return " ON CONFLICT (" + key + ") DO NOTHING" }
	switch name {
	case dialect.SQLite:
		return engine{
			name: name, oneWriter: true, prepare: true, str: func(int) string { return "TEXT" }, text: "TEXT", bytes: "BLOB", key: "BLOB",
			upsert: onConflict, ignore: doNothing,
			lock:      func(string) (string, string) { return "", "" },
			catalogue: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ",
			castText:  "TEXT", integer: "INTEGER",
			fromTimestamp: func(column string) string {
				return "CAST(ROUND((julianday(" + column + ") - 2440587.5) * 86400000) AS INTEGER)"
			},
			toTimestamp: "strftime('%Y-%m-%d %H:%M:%f', ? / 1000.0, 'unixepoch')",
		}, nil
	case dialect.PG:
		return engine{
			name: name, oneTrip: true, str: func(n int) string { return fmt.Sprintf(`VARCHAR(%d) COLLATE "C"`, n) },
			text: "TEXT", bytes: "BYTEA", key: "BYTEA",
			forUpdate: " FOR UPDATE", forShare: " FOR SHARE", skipLocked: " FOR UPDATE SKIP LOCKED", upsert: onConflict, ignore: doNothing,
			tx: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
			// A plan made while a table is small reads all of it, and is kept while a
			// flood makes the table large: until then no plan may.
			lockNumber: "SELECT pg_advisory_xact_lock(?), set_config('enable_seqscan', 'off', true)",
			lock: func(table string) (string, string) {
				return "SELECT pg_advisory_xact_lock(hashtext('" + table + "'))", ""
			},
			catalogue: "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ",
			castText:  "TEXT", integer: "INTEGER",
			fromTimestamp: func(column string) string { return "CAST(ROUND(EXTRACT(EPOCH FROM " + column + ") * 1000) AS BIGINT)" },
			toTimestamp:   "to_timestamp(CAST(? AS DOUBLE PRECISION) / 1000)", withoutZone: " AT TIME ZONE 'UTC'",
		}, nil
	case dialect.MySQL:
		return engine{
			// VARBINARY, because text collations fold case or ignore trailing spaces.
			name: name, prepare: true, str: func(n int) string { return fmt.Sprintf("VARBINARY(%d)", n) },
			text: "BLOB", bytes: "BLOB", key: "BINARY(32)",
			forUpdate: " FOR UPDATE", forShare: " LOCK IN SHARE MODE", skipLocked: " FOR UPDATE SKIP LOCKED",
			upsert: func(_ string, columns ...string) string {
				set := make([]string, len(columns))
				for i, c := range columns {
					set[i] = c + " = VALUES(" + c + ")"
				}
				return " ON DUPLICATE KEY UPDATE " + strings.Join(set, ", ")
			},
			ignore: func(key string) string {
				column, _, _ := strings.Cut(key, ",")
				return " ON DUPLICATE KEY UPDATE " + column + " = " + column
			},
			// Without the gap locks of REPEATABLE READ there are fewer deadlocks.
			tx: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
			lock: func(table string) (string, string) {
				return "SELECT GET_LOCK('" + table + "', 60)", "SELECT RELEASE_LOCK('" + table + "')"
			},
			catalogue: "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ",
			tableTail: " ENGINE=InnoDB",
			castText:  "CHAR", integer: "SIGNED",
			// Not UNIX_TIMESTAMP, which reads the session's time zone into it.
			fromTimestamp: func(column string) string {
				return "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', " + column + ") DIV 1000"
			},
			toTimestamp: "TIMESTAMPADD(MICROSECOND, ? * 1000, '1970-01-01')",
		}, nil
	}
	return engine{}, fmt.Errorf("bunstore: dialect %s is none of sqlite, pg and mysql", name)
}

// rebind writes the placeholders as the engine wants them. Our statements hold
// no question mark but placeholders.
func (e engine) rebind(query string) string {
	if e.name != dialect.PG {
		return query
	}
	var b strings.Builder
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

// Codes that the drivers report, each in a way of its own: an SQLSTATE method
// (pgx and pgdriver, and PostgreSQL-compatible engines), a Code method (modernc's
// SQLite), or the documented beginning of the text (go-sql-driver for MySQL).
func errorCode(err error) (state string, sqlite int, mysql string) {
	var s interface{ SQLState() string }
	if errors.As(err, &s) {
		state = s.SQLState()
	}
	var c interface{ Code() int }
	if errors.As(err, &c) {
		sqlite = c.Code()
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if rest, ok := strings.CutPrefix(e.Error(), "Error "); ok {
			mysql = rest[:min(4, len(rest))]
		}
	}
	return state, sqlite, mysql
}

// duplicate reports whether a unique key refused a row.
func (e engine) duplicate(err error) bool {
	state, sqlite, mysql := errorCode(err)
	switch e.name {
	case dialect.PG:
		return state == "23505"
	case dialect.MySQL:
		return mysql == "1062"
	default:
		return sqlite == 2067 || sqlite == 1555 // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY
	}
}

// malformed reports whether a value is not of the type of its column.
func (e engine) malformed(err error) bool {
	state, _, _ := errorCode(err)
	return e.name == dialect.PG && state == "22P02"
}

// aborted reports whether the engine gave a transaction up that may simply be
// run again: serialization failures, deadlocks, and SQLite's stale snapshots.
func (e engine) aborted(err error) bool {
	state, sqlite, mysql := errorCode(err)
	switch e.name {
	case dialect.PG:
		return state == "40001" || state == "40P01" || state == "55P03" // lock time-out
	case dialect.MySQL:
		return mysql == "1213" || mysql == "1205" // deadlock, lock wait time-out
	default:
		return sqlite == 517 // SQLITE_BUSY_SNAPSHOT
	}
}

// index is one CREATE INDEX. MySQL knows no IF NOT EXISTS here: see exists.
func (e engine) index(name, table, columns string) string {
	if e.name == dialect.MySQL {
		return "CREATE INDEX " + name + " ON " + table + " (" + columns + ")"
	}
	return "CREATE INDEX IF NOT EXISTS " + name + " ON " + table + " (" + columns + ")"
}

// addColumn is one ALTER TABLE. PostgreSQL alone knows IF NOT EXISTS here: see
// exists.
func (e engine) addColumn(table, column, definition string) string {
	if e.name == dialect.PG {
		return "ALTER TABLE " + table + " ADD COLUMN IF NOT EXISTS " + column + " " + definition
	}
	return "ALTER TABLE " + table + " ADD COLUMN " + column + " " + definition
}

// dropIndex is one DROP INDEX. MySQL knows no IF EXISTS here: see exists.
func (e engine) dropIndex(name, table string) string {
	if e.name == dialect.MySQL {
		return "DROP INDEX " + name + " ON " + table
	}
	return "DROP INDEX IF EXISTS " + name
}

// exists reports whether a migration's statement failed because it had been run
// before the process that ran it died.
func (e engine) exists(err error) bool {
	_, _, mysql := errorCode(err)
	switch e.name {
	case dialect.MySQL:
		return mysql == "1061" || mysql == "1091" || mysql == "1060" // duplicate key name, no such key, duplicate column
	case dialect.SQLite:
		return strings.Contains(err.Error(), "duplicate column name") // an error without a code of its own
	}
	return false
}
