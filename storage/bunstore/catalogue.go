package bunstore

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/uptrace/bun/dialect"
)

// catalogueColumn and catalogueIndex describe a column and an index as the database's
// catalogue has them.
type catalogueColumn struct {
	Name      string `bun:"name"`
	Type      string `bun:"type"`
	NotNull   int    `bun:"not_null"`
	Filled    int    `bun:"filled"`    // has a default, or the database counts it up
	Generated int    `bun:"generated"` // computed from other columns
}

type catalogueIndex struct {
	Name    string `bun:"name"`
	Unique  int    `bun:"is_unique"`
	Partial int    `bun:"is_partial"` // covers some rows only, or only the beginnings of texts
	Columns string `bun:"columns"`    // in order, separated by commas; "(expression)" for a part that is not a column
}

// catalogueSQL is the statement that lists the columns, and the one that lists the
// indexes, each with two placeholders: the schema, empty for the current one, and
// the table.
func (e engine) catalogueSQL() (columns, indexes string) {
	switch e.name {
	case dialect.PG:
		find := "to_regclass(COALESCE(quote_ident(NULLIF(CAST(? AS TEXT), '')) || '.', '') || quote_ident(CAST(? AS TEXT)))"
		flag := func(condition string) string { return "CASE WHEN " + condition + " THEN 1 ELSE 0 END" }
		columns = "SELECT a.attname AS name, CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END AS type, " +
			flag("a.attnotnull") + " AS not_null, " + flag("a.atthasdef OR a.attidentity <> ''") + " AS filled, " + flag("a.attgenerated <> ''") + " AS generated " +
			"FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = " + find + " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
		indexes = "SELECT c.relname AS name, " + flag("i.indisunique") + " AS is_unique, " + flag("i.indpred IS NOT NULL") + " AS is_partial, " +
			"array_to_string(ARRAY(SELECT COALESCE(a.attname, '(expression)') FROM unnest(i.indkey) WITH ORDINALITY k(n, ord) " +
			"LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n WHERE k.ord <= i.indnkeyatts ORDER BY k.ord), ',') AS columns " +
			"FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = " + find + " AND i.indisvalid"
	case dialect.MySQL:
		const where = " WHERE table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND table_name = ?"
		columns = "SELECT column_name AS name, column_type AS type, CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END AS not_null, " +
			"CASE WHEN column_default IS NOT NULL OR extra LIKE '%auto_increment%' THEN 1 ELSE 0 END AS filled, " +
			"CASE WHEN extra LIKE '%VIRTUAL%' OR extra LIKE '%STORED%' OR extra LIKE '%PERSISTENT%' THEN 1 ELSE 0 END AS generated " +
			"FROM information_schema.columns" + where + " ORDER BY ordinal_position"
		indexes = "SELECT index_name AS name, 1 - non_unique AS is_unique, CASE WHEN MAX(sub_part) IS NULL THEN 0 ELSE 1 END AS is_partial, " +
			"GROUP_CONCAT(COALESCE(column_name, '(expression)') ORDER BY seq_in_index) AS columns FROM information_schema.statistics" + where +
			" GROUP BY index_name, non_unique"
	default:
		// The schema comes second here, so that the two values have the order that the
		// statements of all engines share.
		columns = "WITH t(s, n) AS (SELECT COALESCE(NULLIF(?, ''), 'main'), ?) SELECT i.name AS name, i.type AS type, i.\"notnull\" AS not_null, " +
			"CASE WHEN i.dflt_value IS NOT NULL OR i.pk > 0 THEN 1 ELSE 0 END AS filled, CASE WHEN i.hidden IN (2, 3) THEN 1 ELSE 0 END AS generated " +
			"FROM t, pragma_table_xinfo(t.n, t.s) i ORDER BY i.cid"
		indexes = "WITH t(s, n) AS (SELECT COALESCE(NULLIF(?, ''), 'main'), ?) SELECT l.name AS name, l.\"unique\" AS is_unique, l.partial AS is_partial, " +
			"(SELECT group_concat(COALESCE(c.name, '(expression)'), ',') FROM pragma_index_info(l.name, t.s) c) AS columns " +
			"FROM t, pragma_index_list(t.n, t.s) l"
	}
	return columns, indexes
}

// catalogue reads the columns and indexes of a table, whose name may be
// "schema.table". A missing table has no columns.
func (t *statements) catalogue(name string) (columns []catalogueColumn, indexes []catalogueIndex, err error) {
	schema, table, qualified := strings.Cut(name, ".")
	if !qualified {
		schema, table = "", name
	}
	columnsSQL, indexesSQL := t.engine.catalogueSQL()
	if columns, err = query[catalogueColumn](t, columnsSQL, schema, table); err != nil {
		return nil, nil, err
	}
	indexes, err = query[catalogueIndex](t, indexesSQL, schema, table)
	return columns, indexes, err
}

// sameName compares names of columns as the engine does.
func (e engine) sameName(a, b string) bool {
	return a == b || e.name != dialect.PG && strings.EqualFold(a, b)
}

var (
	textType    = regexp.MustCompile(`(?i)char|text|string|clob|^name$|citext`)
	integerType = regexp.MustCompile(`(?i)int`)
	sizeOfType  = regexp.MustCompile(`\((\d+)`)
)

// room is how many characters a column of texts holds; 0 for any number.
func (c catalogueColumn) room(e engine) int {
	if e.name == dialect.SQLite {
		return 0 // SQLite ignores the length of a type
	}
	if strings.EqualFold(c.Type, "tinytext") || strings.EqualFold(c.Type, "tinyblob") {
		return 255
	}
	if m := sizeOfType.FindStringSubmatch(c.Type); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	if strings.EqualFold(c.Type, "character") || strings.EqualFold(c.Type, `"char"`) {
		return 1
	}
	return 0
}

// holdsText reports whether the type keeps texts as they are.
func (c catalogueColumn) holdsText(e engine) bool {
	if e.name == dialect.SQLite {
		return !integerType.MatchString(c.Type) // an INTEGER column makes a number of "013800138000"
	}
	return textType.MatchString(c.Type) || e.name == dialect.MySQL && strings.Contains(strings.ToLower(c.Type), "b") &&
		(strings.Contains(strings.ToLower(c.Type), "binary") || strings.Contains(strings.ToLower(c.Type), "blob"))
}

// holdsMillis reports whether the type is an integer of 64 bits.
func (c catalogueColumn) holdsMillis(e engine) bool {
	kind := strings.ToLower(c.Type)
	switch e.name {
	case dialect.PG:
		return kind == "bigint"
	case dialect.MySQL:
		return strings.HasPrefix(kind, "bigint")
	}
	return kind == "" || integerType.MatchString(kind) || strings.Contains(kind, "numeric") || strings.Contains(kind, "time") || strings.Contains(kind, "date")
}
