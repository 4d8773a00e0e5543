package bunstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/uptrace/bun/dialect"
)

// ErrSchemaChanged says that a table, column or index of Rekey is missing or differs
// from what the migrations made.
var ErrSchemaChanged = errors.New("bunstore: schema changed by hand")

// tableShape is a table as the migrations make it.
type tableShape struct {
	columns map[string]string // types by name
	indexes map[string]string // columns by name
}

var (
	createTable = regexp.MustCompile(`^CREATE TABLE IF NOT EXISTS (\w+) \(\n\t((?s).*)\n\)`)
	createIndex = regexp.MustCompile(`^CREATE INDEX (?:IF NOT EXISTS )?(\w+) ON (\w+) \((.*)\)$`)
	addColumn   = regexp.MustCompile(`^ALTER TABLE (\w+) ADD COLUMN (?:IF NOT EXISTS )?(\w+) (.*)$`)
	dropIndex   = regexp.MustCompile(`^DROP INDEX (?:IF EXISTS )?(\w+)`)
	typeEnd     = regexp.MustCompile(` (NOT NULL|COLLATE|DEFAULT|NULL)\b.*`)
	intWidth    = regexp.MustCompile(`^((?:small|big|tiny|medium)?int)(?:eger)?\(\d+\)`)
)

// shape derives the tables from the statements of the migrations, which have one form.
func (s *Store) shape() map[string]tableShape {
	tables := map[string]tableShape{}
	for _, m := range migrations {
		for _, statement := range s.statements(m) {
			if f := createTable.FindStringSubmatch(statement); f != nil {
				t := tableShape{map[string]string{}, map[string]string{}}
				for _, line := range strings.Split(f[2], ",\n\t") {
					if name, definition, ok := strings.Cut(line, " "); ok && name != "PRIMARY" && name != "CONSTRAINT" {
						t.columns[name] = s.engine.plainType(definition)
					}
				}
				tables[f[1]] = t
			} else if f := createIndex.FindStringSubmatch(statement); f != nil {
				tables[f[2]].indexes[f[1]] = strings.ReplaceAll(f[3], " ", "")
			} else if f := addColumn.FindStringSubmatch(statement); f != nil {
				tables[f[1]].columns[f[2]] = s.engine.plainType(f[3])
			} else if f := dropIndex.FindStringSubmatch(statement); f != nil {
				for _, t := range tables {
					delete(t.indexes, f[1])
				}
			}
		}
	}
	return tables
}

// plainType returns the form of a type that statements and the catalogue share.
func (e engine) plainType(definition string) string {
	kind := strings.ToLower(typeEnd.ReplaceAllString(definition, ""))
	switch e.name {
	case dialect.PG:
		kind = strings.Replace(kind, "varchar", "character varying", 1)
	case dialect.MySQL:
		kind = intWidth.ReplaceAllString(kind, "$1")
		if kind == "integer" {
			kind = "int"
		}
	}
	return kind
}

// checkShape compares Rekey's tables with the catalogue.
func (s *Store) checkShape(ctx context.Context) error {
	var faults []string
	tables := s.shape()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		columns, indexes, err := s.read(ctx).catalogue(name)
		if err != nil {
			return wrap("compare table "+name, err)
		}
		if len(columns) == 0 {
			faults = append(faults, "table "+name+" is missing")
			continue
		}
		faults = append(faults, s.tableFaults(name, tables[name], columns, indexes)...)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %s", ErrSchemaChanged, strings.Join(faults, "; "))
	}
	return nil
}

func (s *Store) tableFaults(name string, want tableShape, columns []catalogueColumn, indexes []catalogueIndex) (faults []string) {
	for _, column := range slices.Sorted(maps.Keys(want.columns)) {
		i := slices.IndexFunc(columns, func(c catalogueColumn) bool { return c.Name == column })
		if i < 0 {
			faults = append(faults, "column "+column+" of "+name+" is missing")
		} else if got := s.engine.plainType(columns[i].Type); got != want.columns[column] {
			faults = append(faults, fmt.Sprintf("column %s of %s has the type %s, must be %s", column, name, got, want.columns[column]))
		}
	}
	for _, c := range columns {
		if _, ours := want.columns[c.Name]; !ours && c.NotNull != 0 && c.Filled == 0 && c.Generated == 0 {
			faults = append(faults, "column "+c.Name+" of "+name+" is not Rekey's, needs a value and has no default")
		}
	}
	for _, index := range slices.Sorted(maps.Keys(want.indexes)) {
		on := want.indexes[index]
		if !slices.ContainsFunc(indexes, func(i catalogueIndex) bool {
			return i.Partial == 0 && (i.Columns == on || strings.HasPrefix(i.Columns, on+","))
		}) {
			faults = append(faults, "index "+index+" on "+name+" ("+on+") is missing")
		}
	}
	return faults
}

// checkSwitch refuses a change between Rekey's table of users and the application's:
// with WithUsers while Rekey's table has rows, and without it while Rekey's table is
// missing.
func (s *Store) checkSwitch(ctx context.Context, done []idRow) error {
	if !slices.Contains(done, idRow{migrations[0].id}) {
		return nil
	}
	columns, _, err := s.read(ctx).catalogue(rekeyUsers.Table)
	if err != nil {
		return wrap("look for "+rekeyUsers.Table, err)
	}
	switch there := len(columns) > 0; {
	case !s.ownUsers && !there:
		return fmt.Errorf("%w: table %s is missing, because this database was migrated for the application's own table; pass WithUsers, or, to keep users in Rekey's table from now on, run first: %s",
			ErrSchemaChanged, rekeyUsers.Table, s.usersStatement())
	case s.ownUsers && there:
		rows, err := query[idRow](s.read(ctx), "SELECT id FROM "+rekeyUsers.Table+" LIMIT 1")
		if err != nil {
			return wrap("look for people in "+rekeyUsers.Table, err)
		}
		if len(rows) > 0 {
			return fmt.Errorf("%w: table %s contains users, but WithUsers names table %s, where they cannot be found; move them and empty %s, or remove WithUsers",
				ErrSchemaChanged, rekeyUsers.Table, s.users.Table, rekeyUsers.Table)
		}
	}
	return nil
}

// usersStatement is the statement that makes Rekey's table of users.
func (s *Store) usersStatement() string {
	for _, statement := range migrations[0].statements(s.engine) {
		if strings.HasPrefix(statement, "CREATE TABLE IF NOT EXISTS "+rekeyUsers.Table+" ") {
			return statement
		}
	}
	return ""
}
