package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrSchemaBehind says that migrations are missing; call [Store.Migrate], or run
// what [Store.SQL] returns.
var ErrSchemaBehind = errors.New("bunstore: schema behind")

// ErrSchemaAhead says that the database has migrations that this version does not
// know: a newer version has used it, and what this one would write could be wrong
// there. Use the newer version, or restore a backup from before it.
var ErrSchemaAhead = errors.New("bunstore: schema ahead")

const record = "rekey_migrations"

// Migrations returns the ids of all migrations, in order.
func Migrations() []string { return missing(nil) }

// SQL returns the statements of the migrations with the given ids, each
// migration followed by the statement that records it, in order; with no id,
// those of all migrations and of the record itself.
func (s *Store) SQL(ids ...string) []string {
	var statements []string
	if len(ids) == 0 {
		statements = append(statements, s.recordTable())
	}
	for _, m := range migrations {
		if len(ids) == 0 || slices.Contains(ids, m.id) {
			statements = append(append(statements, s.statements(m)...), "INSERT INTO "+record+" (id) VALUES ('"+m.id+"')")
		}
	}
	return statements
}

// statements are those of a migration, without our table of users where the
// embedder's is used.
func (s *Store) statements(m migration) []string {
	all := m.statements(s.engine)
	if s.ownUsers {
		ours := "CREATE TABLE IF NOT EXISTS " + rekeyUsers.Table + " "
		all = slices.DeleteFunc(all, func(statement string) bool { return strings.HasPrefix(statement, ours) })
	}
	return all
}

func (s *Store) recordTable() string {
	return s.engine.table(record, "id "+s.engine.str(64)+" NOT NULL", "PRIMARY KEY (id)")
}

// Pending returns the ids of the migrations that the database lacks, in order;
// none when it is up to date. It changes nothing.
func (s *Store) Pending(ctx context.Context) ([]string, error) {
	done, err := s.applied(ctx)
	if err != nil {
		return nil, err
	}
	return missing(done), nil
}

// applied are the migrations that the database has.
func (s *Store) applied(ctx context.Context) (done []idRow, err error) {
	exists, err := s.recordExists(ctx)
	if err != nil {
		return nil, wrap("look for migrations", err)
	}
	if exists {
		if done, err = query[idRow](s.read(ctx), "SELECT id FROM "+record); err != nil {
			return nil, wrap("read migrations", err)
		}
	}
	return done, nil
}

// notAhead returns an error wrapping [ErrSchemaAhead] that names the migrations
// that only a newer version knows.
func notAhead(done []idRow) error {
	known := Migrations()
	var unknown []string
	for _, row := range done {
		if !slices.Contains(known, row.ID) {
			unknown = append(unknown, row.ID)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("%w: has %s", ErrSchemaAhead, strings.Join(unknown, ", "))
}

// Check returns nil if the schema is up to date, or an error wrapping
// [ErrSchemaBehind] or [ErrSchemaAhead] that names the migrations that are missing
// or unknown. Of the embedder's own table of users it checks that the columns are
// there.
func (s *Store) Check(ctx context.Context) error {
	done, err := s.applied(ctx)
	if err == nil {
		err = notAhead(done)
	}
	if pending := missing(done); err == nil && len(pending) > 0 {
		err = fmt.Errorf("%w: missing %s", ErrSchemaBehind, strings.Join(pending, ", "))
	}
	if err == nil {
		err = s.checkUsers(ctx)
	}
	return err
}

func missing(done []idRow) (ids []string) {
	for _, m := range migrations {
		if !slices.Contains(done, idRow{m.id}) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// Migrate applies the migrations that are missing. It may run in several
// processes at once, and again after a crash at any point: each step is one
// transaction with its own record, behind a lock, and where the engine commits
// in between, each statement can be repeated. It refuses a database that a newer
// version has migrated, with an error wrapping [ErrSchemaAhead].
func (s *Store) Migrate(ctx context.Context) error {
	if s.joined != nil {
		return errors.New("bunstore: Migrate needs transactions of its own, and not a store bound by WithTx")
	}
	if err := s.checkSettings(ctx); err != nil {
		return err
	}
	if err := s.checkUsers(ctx); err != nil {
		return err
	}
	done, err := s.applied(ctx)
	if err == nil {
		err = notAhead(done)
	}
	if err != nil || len(missing(done)) == 0 {
		return err
	}
	return wrap("migrate", s.locked(ctx, func(c *sql.Conn) error {
		for _, m := range migrations {
			if err := s.step(ctx, c, m); err != nil {
				return fmt.Errorf("%s: %w", m.id, err)
			}
		}
		return nil
	}))
}

// locked holds the engine's lock on one connection, where it is held by the
// connection rather than by a transaction.
func (s *Store) locked(ctx context.Context, f func(*sql.Conn) error) error {
	c, err := s.db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	acquire, release := s.engine.lock(record)
	if release == "" {
		return f(c)
	}
	var got sql.NullInt64
	if err := c.QueryRowContext(ctx, acquire).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errors.New("another process has been migrating for a minute")
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), release) }()
	return f(c)
}

func (s *Store) step(ctx context.Context, c *sql.Conn, m migration) error {
	t, err := c.BeginTx(ctx, s.engine.tx)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }()
	if acquire, release := s.engine.lock(record); acquire != "" && release == "" {
		if _, err := t.ExecContext(ctx, acquire); err != nil {
			return err
		}
	}
	if _, err := t.ExecContext(ctx, s.recordTable()); err != nil {
		return err
	}
	st := &statements{ctx: ctx, db: s.db, conn: t, engine: s.engine}
	done, err := query[idRow](st, "SELECT id FROM "+record)
	if err != nil || !slices.Contains(missing(done), m.id) {
		return err
	}
	for _, statement := range s.statements(m) {
		if _, err := t.ExecContext(ctx, statement); err != nil && !s.engine.exists(err) {
			return err
		}
	}
	if err := st.insert("INSERT INTO "+record+" (id) VALUES (?)", m.id); err != nil {
		return err
	}
	return t.Commit()
}

// recordExists asks the engine's catalogue, so that no error has to be read.
func (s *Store) recordExists(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var n int
	err := s.db.DB.QueryRowContext(ctx, s.engine.catalogue+"'"+record+"'").Scan(&n)
	return n > 0, err
}
