package bunstore

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun/dialect"
)

// engine holds everything that differs between the databases.
type engine struct {
	name dialect.Name
	// oneWriter says that the engine runs transactions one after the other.
	oneWriter bool
	// prepare says that the driver compiles each statement on every call unless the
	// statement is prepared.
	prepare bool
	// oneTrip says that one statement can make several changes (WITH).
	oneTrip bool
	// returning says that an UPDATE can read a list of values and return the changed rows.
	returning bool
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
	// lockNumber locks a number until the transaction ends; the number is its
	// argument. Empty where row locks on an index are enough.
	lockNumber string
	// upsert is the end of an INSERT that overwrites columns of a row with the same key.
	upsert func(key string, columns ...string) string
	// ignore is the end of an INSERT that leaves a row with the same key alone.
	ignore func(key string) string
	tx     *sql.TxOptions
	// lock keeps two migrations from running at the same time.
	lock func(table string) (acquire, release string)
	// catalogue counts the tables with the name that is its argument.
	catalogue string
	tableTail string
	// Types to cast to.
	castText, integer string
	// fromTimestamp converts a column of a native type to milliseconds; toTimestamp
	// converts a placeholder of milliseconds to the native type.
	fromTimestamp func(column string) string
	toTimestamp   string
	// filter precedes a column whose index must not be used. A list in the order of ids
	// would otherwise read and sort the whole tenant for each page.
	filter string
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
			name: name, oneWriter: true, prepare: true, returning: true, str: func(int) string { return "TEXT" }, text: "TEXT", bytes: "BLOB", key: "BLOB",
			upsert: onConflict, ignore: doNothing,
			lock:      func(string) (string, string) { return "", "" },
			catalogue: "SELECT COUNT(*) AS n FROM sqlite_master WHERE type = 'table' AND name = ",
			castText:  "TEXT", integer: "INTEGER", filter: "+",
			fromTimestamp: func(column string) string {
				return "CAST(ROUND((julianday(" + column + ") - 2440587.5) * 86400000) AS INTEGER)"
			},
			toTimestamp: "strftime('%Y-%m-%d %H:%M:%f', ? / 1000.0, 'unixepoch')",
		}, nil
	case dialect.PG:
		return engine{
			name: name, oneTrip: true, returning: true, str: func(n int) string { return fmt.Sprintf(`VARCHAR(%d) COLLATE "C"`, n) },
			text: "TEXT", bytes: "BYTEA", key: "BYTEA",
			forUpdate: " FOR UPDATE", forShare: " FOR SHARE", skipLocked: " FOR UPDATE SKIP LOCKED", upsert: onConflict, ignore: doNothing,
			tx: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
			// A plan made while a table is small scans all of it, and PostgreSQL keeps it
			// after a flood has made the table large. So a sequential scan must not be planned.
			lockNumber: "SELECT pg_advisory_xact_lock(?), set_config('enable_seqscan', 'off', true)",
			lock: func(table string) (string, string) {
				return "SELECT pg_advisory_xact_lock(hashtext('" + table + "'))", ""
			},
			catalogue: "SELECT COUNT(*) AS n FROM pg_tables WHERE schemaname = current_schema() AND tablename = ",
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
			catalogue: "SELECT COUNT(*) AS n FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ",
			tableTail: " ENGINE=InnoDB",
			castText:  "CHAR", integer: "SIGNED",
			// UNIX_TIMESTAMP would apply the session's time zone.
			fromTimestamp: func(column string) string {
				return "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', " + column + ") DIV 1000"
			},
			toTimestamp: "TIMESTAMPADD(MICROSECOND, ? * 1000, '1970-01-01')",
		}, nil
	}
	return engine{}, fmt.Errorf("bunstore: the dialect %s is not supported; use sqlite, pg or mysql", name)
}

// rebind writes the placeholders in the engine's form. In our statements every
// question mark is a placeholder.
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

// errorCode returns the code of a driver's error. Drivers report it by an SQLSTATE
// method (pgx, pgdriver and PostgreSQL-compatible engines), by a Code method
// (modernc's SQLite), or at the documented beginning of the text (go-sql-driver).
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

// malformed reports whether the engine refused a value of another type than its column.
func (e engine) malformed(err error) bool {
	state, _, _ := errorCode(err)
	return e.name == dialect.PG && state == "22P02"
}

// aborted reports whether the engine ended a transaction that can be run again: after
// a serialization failure, a deadlock, or a stale snapshot of SQLite.
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

// index returns a CREATE INDEX. MySQL has no IF NOT EXISTS for it: see exists.
func (e engine) index(name, table, columns string) string {
	if e.name == dialect.MySQL {
		return "CREATE INDEX " + name + " ON " + table + " (" + columns + ")"
	}
	return "CREATE INDEX IF NOT EXISTS " + name + " ON " + table + " (" + columns + ")"
}

// addColumn returns an ALTER TABLE. Only PostgreSQL has IF NOT EXISTS for it: see
// exists.
func (e engine) addColumn(table, column, definition string) string {
	if e.name == dialect.PG {
		return "ALTER TABLE " + table + " ADD COLUMN IF NOT EXISTS " + column + " " + definition
	}
	return "ALTER TABLE " + table + " ADD COLUMN " + column + " " + definition
}

// dropIndex returns a DROP INDEX. MySQL has no IF EXISTS for it: see exists.
func (e engine) dropIndex(name, table string) string {
	if e.name == dialect.MySQL {
		return "DROP INDEX " + name + " ON " + table
	}
	return "DROP INDEX IF EXISTS " + name
}

// exists reports whether a migration's statement failed because an earlier process ran
// it and died before it recorded the migration.
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
