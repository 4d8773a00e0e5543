package engines_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// Some servers claim to be compatible with PostgreSQL. The test imitates them with
// functions that hide PostgreSQL's own functions.
func TestUnfitServersAreRefused(t *testing.T) {
	t.Parallel()
	const (
		cockroach = "FUNCTION version() RETURNS text LANGUAGE sql AS $$ SELECT 'CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)' $$"
		noLock    = "FUNCTION pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE undefined_function USING MESSAGE = 'unknown function: pg_advisory_xact_lock()'; END $$"
		stub      = "FUNCTION pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql AS $$ SELECT NULL::void $$"
		stubTry   = "FUNCTION pg_try_advisory_xact_lock(bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$"
		noConfig  = "FUNCTION set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE undefined_function USING MESSAGE = 'unknown function: set_config()'; END $$"
		deaf      = "FUNCTION set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT $2 $$"
		snapshot  = "FUNCTION current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT CASE $1 WHEN 'yb_effective_transaction_isolation_level' THEN 'repeatable read' END $$"
		upgraded  = "FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT CASE $1 WHEN 'transaction_isolation' THEN 'serializable' ELSE pg_catalog.current_setting($1) END $$"
	)
	for title, c := range map[string]struct {
		functions []string
		says      string
	}{
		"no advisory locks":          {[]string{cockroach, noLock}, "CockroachDB CCL v24.1.0"},
		"locks that do not lock":     {[]string{cockroach, stub, stubTry}, "do not lock"},
		"no set_config":              {[]string{noConfig}, "set_config"},
		"set_config without effect":  {[]string{deaf}, "does not set lock_timeout"},
		"READ COMMITTED is snapshot": {[]string{snapshot}, "yb_enable_read_committed_isolation"},
		"READ COMMITTED is raised":   {[]string{upgraded}, "runs at serializable"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			dsn := postgres(t)
			schema, admin := name(), open(t, "pgx", dsn)
			run(t, admin, "CREATE SCHEMA "+schema)
			t.Cleanup(func() { run(t, admin, "DROP SCHEMA "+schema+" CASCADE") })
			for _, f := range c.functions {
				run(t, admin, "CREATE "+strings.Replace(f, "FUNCTION ", "FUNCTION "+schema+".", 1))
			}
			u, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			q.Set("search_path", schema+",pg_catalog")
			u.RawQuery = q.Encode()
			s := store(t, bun.NewDB(open(t, "pgx", u.String()), pgdialect.New()))
			for what, err := range map[string]error{"check": s.Check(t.Context()), "migrate": s.Migrate(t.Context())} {
				if !errors.Is(err, bunstore.ErrUnfit) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v", what, err)
				}
			}
			var tables int
			if err := admin.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM pg_tables WHERE schemaname = $1", schema).Scan(&tables); err != nil || tables != 0 {
				t.Errorf("%d tables made, %v", tables, err)
			}
		})
	}
}

// A pool of one connection has no second connection on which to test locks.
func TestPoolOfOneConnectionIsChecked(t *testing.T) {
	t.Parallel()
	db := freshPostgres(t, postgres(t))
	db.SetMaxOpenConns(1)
	migrated(t, db)
}
