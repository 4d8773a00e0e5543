package bunstore

import "strings"

// migration is one step of the schema. A released step is never changed; new steps
// follow it. Each statement may run again after a crash before the step was recorded,
// because some engines commit after each statement.
type migration struct {
	id         string
	statements func(e engine) []string
	down       func(e engine) []string
}

var migrations = []migration{
	{id: "0001_tables", statements: tables, down: noTables},
	{id: "0002_receipts", statements: receipts, down: noReceipts},
	{id: "0003_limits_without_index", statements: limitsWithoutIndex, down: limitsWithIndex},
	{id: "0004_lanes", statements: messageLanes, down: noMessageLanes},
}

// messageLanes allows messages to be leased by lane and by secret, and events to be
// found by user. It deletes the states of limits, whose form and keys changed with it.
func messageLanes(e engine) []string {
	statements := []string{
		e.addColumn("rekey_messages", "lane", e.str(16)+" NOT NULL DEFAULT 'code'"),
		e.addColumn("rekey_messages", "key_id", e.str(64)+" NOT NULL DEFAULT ''"),
		"DELETE FROM rekey_limits",
	}
	return append(statements, e.indexes("rekey_messages", "lane, state, next_at", "rekey_events", "tenant, user_id, id")...)
}

// limitsWithoutIndex drops an index that every write of a counter had to update.
func limitsWithoutIndex(e engine) []string {
	return []string{e.dropIndex("rekey_limits_by_expires_at", "rekey_limits")}
}

func receipts(e engine) []string {
	return append([]string{
		e.table("rekey_receipts",
			"message_id "+e.str(64)+" NOT NULL", "state "+e.str(16)+" NOT NULL", "code "+e.str(32)+" NOT NULL", "at BIGINT NOT NULL",
			"PRIMARY KEY (message_id)"),
	}, e.indexes("rekey_messages", "provider, provider_ref")...)
}

func tables(e engine) []string {
	id, tenant, at := e.str(64), e.str(128), "BIGINT NOT NULL"
	text := func(bytes int) string { return e.str(bytes) + " NOT NULL" }
	long := e.text + " NOT NULL"
	return append([]string{
		e.table("rekey_users",
			"id "+id+" NOT NULL", "tenant "+tenant+" NOT NULL", "mobile "+text(16), "verified_at "+at,
			"password_hash "+text(512), "password_changed_at "+at, "disabled SMALLINT NOT NULL", "created_at "+at,
			"PRIMARY KEY (id)", "CONSTRAINT rekey_users_mobile UNIQUE (tenant, mobile)"),
		e.table("rekey_password_history",
			"tenant "+tenant+" NOT NULL", "user_id "+id+" NOT NULL", "seq "+at, "password_hash "+text(512),
			"PRIMARY KEY (tenant, user_id, seq)"),
		e.table("rekey_clients",
			"id "+e.str(128)+" NOT NULL", "name "+text(256), "tenant "+tenant+" NOT NULL", "isv SMALLINT NOT NULL", "tenants "+long,
			"disabled SMALLINT NOT NULL", "created_at "+at, "PRIMARY KEY (id)"),
		e.table("rekey_codes",
			"id "+id+" NOT NULL", "binding "+e.key+" NOT NULL", "number_key "+e.key+" NOT NULL", "digest "+e.bytes+" NOT NULL",
			"key_id "+text(64), "attempts INTEGER NOT NULL", "max_attempts INTEGER NOT NULL",
			"created_at "+at, "expires_at "+at, "used_at "+at, "ended_at "+at, "PRIMARY KEY (id)"),
		e.table("rekey_limits",
			"limit_key "+text(80), "shard INTEGER NOT NULL", "state "+e.bytes+" NOT NULL", "expires_at "+at,
			"PRIMARY KEY (limit_key, shard)"),
		e.table("rekey_messages",
			"id "+id+" NOT NULL", "sealed "+e.bytes, "state "+text(16), "created_at "+at, "next_at "+at, "expires_at "+at,
			"attempts INTEGER NOT NULL", "claim_token "+text(64), "claim_until "+at, "finished_at "+at,
			"provider "+text(64), "provider_ref "+text(128), "last_error "+long, "PRIMARY KEY (id)"),
		e.table("rekey_events",
			"id "+id+" NOT NULL", "at "+at, "type "+text(64), "outcome "+long, "tenant "+tenant+" NOT NULL", "client_id "+e.str(128)+" NOT NULL",
			"user_id "+id+" NOT NULL", "purpose "+text(64), "mobile "+text(16), "address "+long,
			"claimed_address "+long, "device "+long, "os_version "+long, "agent "+long, "PRIMARY KEY (id)"),
	}, e.indexes(
		"rekey_codes", "binding, expires_at",
		"rekey_codes", "number_key, expires_at",
		"rekey_codes", "expires_at",
		"rekey_limits", "expires_at",
		"rekey_messages", "state, next_at",
		"rekey_messages", "finished_at",
		"rekey_events", "at",
	)...)
}

func (e engine) table(name string, columns ...string) string {
	return "CREATE TABLE IF NOT EXISTS " + name + " (\n\t" + strings.Join(columns, ",\n\t") + "\n)" + e.tableTail
}

// indexes takes pairs of table and columns.
func (e engine) indexes(pairs ...string) (statements []string) {
	for i := 0; i < len(pairs); i += 2 {
		table, columns := pairs[i], pairs[i+1]
		name := table + "_by_" + strings.ReplaceAll(columns, ", ", "_")
		statements = append(statements, e.index(name, table, columns))
	}
	return statements
}

func noTables(engine) (statements []string) {
	for _, table := range []string{"rekey_events", "rekey_messages", "rekey_limits", "rekey_codes", "rekey_clients", "rekey_password_history", rekeyUsers.Table} {
		statements = append(statements, "DROP TABLE IF EXISTS "+table)
	}
	return statements
}

func noReceipts(e engine) []string {
	return []string{e.dropIndex("rekey_messages_by_provider_provider_ref", "rekey_messages"), "DROP TABLE IF EXISTS rekey_receipts"}
}

func limitsWithIndex(e engine) []string { return e.indexes("rekey_limits", "expires_at") }

// noMessageLanes deletes waiting messages, which an older version cannot read.
func noMessageLanes(e engine) []string {
	return []string{
		"DELETE FROM rekey_limits",
		"DELETE FROM rekey_messages WHERE state = 'pending'",
		e.dropIndex("rekey_messages_by_lane_state_next_at", "rekey_messages"),
		e.dropIndex("rekey_events_by_tenant_user_id_id", "rekey_events"),
		"ALTER TABLE rekey_messages DROP COLUMN lane",
		"ALTER TABLE rekey_messages DROP COLUMN key_id",
	}
}
