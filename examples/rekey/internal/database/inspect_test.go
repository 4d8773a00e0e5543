package database_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// A problem of an application's own table that breaks resets is a fault, any other a
// warning.
func TestInspectUsers(t *testing.T) {
	t.Parallel()
	connected, err := sqlite.Connect(filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connected.Close() })
	for _, statement := range []string{
		"CREATE TABLE people (id TEXT PRIMARY KEY, phone TEXT NOT NULL, secret TEXT, changed INTEGER)",
		"INSERT INTO people VALUES ('1', '+8613800138000', '$1$salt$hash', 0), ('2', '+8613800138000', '', 0), ('3', 'none', '', 0)",
		"CREATE TABLE digits (id TEXT PRIMARY KEY, phone INTEGER, secret TEXT, changed INTEGER)",
	} {
		if _, err := connected.DB().DB.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	inspect := func(table string) (faults, warnings []string) {
		s, err := bunstore.New(connected.DB(), bunstore.WithUsers(bunstore.UsersTable{
			Table: table, ID: "id", Mobile: "phone", PasswordHash: "secret", PasswordChangedAt: "changed", EveryNumberIsVerified: true,
		}))
		if err != nil {
			t.Fatal(err)
		}
		database.InspectUsers(t.Context(), s,
			func(what, _ string, err error) { faults = append(faults, fmt.Sprintf("%s: %v", what, err)) },
			func(warning string) { warnings = append(warnings, warning) })
		return faults, warnings
	}
	says := func(lines []string, words string) bool {
		return slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "users: ") && strings.Contains(line, words) })
	}
	if faults, warnings := inspect("people"); faults != nil || !says(warnings, "no unique index") || !says(warnings, "share their number") || !says(warnings, "md5-crypt") {
		t.Errorf("of people: faults %q, warnings %q", faults, warnings)
	}
	if faults, _ := inspect("digits"); !says(faults, "column phone has the type INTEGER") {
		t.Errorf("with numbers in an integer column: faults %q", faults)
	}
	if faults, warnings := inspect("nobodys"); len(faults) != 1 || !says(faults, "nobodys") || warnings != nil {
		t.Errorf("with a missing table: faults %q, warnings %q", faults, warnings)
	}
}
