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

// ErrSchemaAhead says that the database has migrations that this version does not know:
// a newer version has migrated it. What this version writes could be wrong there. Use
// the newer version, or restore an older backup.
var ErrSchemaAhead = errors.New("bunstore: schema ahead")

const record = "rekey_migrations"

// Migrations returns the ids of all migrations, in order.
func Migrations() []string { return missing(nil) }

func unknownMigration(id string) error {
	return fmt.Errorf("bunstore: there is no migration %q; the migrations are %s", id, strings.Join(Migrations(), ", "))
}

// find returns a migration.
func find(id string) (migration, error) {
	for _, m := range migrations {
		if m.id == id {
			return m, nil
		}
	}
	return migration{}, unknownMigration(id)
}

// SQL returns the statements of the migrations with the given ids, in order; each
// migration is followed by the statement that records it. Without ids it returns the
// statements of all migrations, and of the table that records them. Error: an unknown
// id. For files, see [MigrationFiles].
func (s *Store) SQL(ids ...string) ([]string, error) {
	var statements []string
	if len(ids) == 0 {
		statements, ids = append(statements, s.recordTable()), Migrations()
	}
	for _, id := range ids {
		if _, err := find(id); err != nil {
			return nil, err
		}
	}
	for _, m := range migrations {
		if slices.Contains(ids, m.id) {
			statements = append(append(statements, s.statements(m)...), "INSERT INTO "+record+" (id) VALUES ('"+m.id+"')")
		}
	}
	return statements, nil
}

// DownSQL returns the statements that undo the migrations with the given ids, the last
// one first. Without ids it undoes all of them. The statements delete what Rekey stored.
// Error: an unknown id.
func (s *Store) DownSQL(ids ...string) ([]string, error) {
	if len(ids) == 0 {
		ids = Migrations()
	}
	for _, id := range ids {
		if _, err := find(id); err != nil {
			return nil, err
		}
	}
	var statements []string
	for _, m := range slices.Backward(migrations) {
		if !slices.Contains(ids, m.id) {
			continue
		}
		down := m.down(s.engine)
		if s.ownUsers {
			down = slices.DeleteFunc(down, func(statement string) bool { return strings.HasSuffix(statement, " "+rekeyUsers.Table) })
		}
		statements = append(statements, down...)
		if m.id == migrations[0].id {
			statements = append(statements, "DROP TABLE IF EXISTS "+record)
		} else {
			statements = append(statements, "DELETE FROM "+record+" WHERE id = '"+m.id+"'")
		}
	}
	return statements, nil
}

// statements returns the statements of a migration, without Rekey's table of users if
// the application has its own.
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

// Pending returns the ids of the migrations that the database lacks, in order. It
// changes nothing.
func (s *Store) Pending(ctx context.Context) ([]string, error) {
	done, err := s.done(ctx)
	if err != nil {
		return nil, err
	}
	return missing(done), nil
}

// done returns the recorded migrations.
func (s *Store) done(ctx context.Context) (done []idRow, err error) {
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

// Check returns nil if the schema is as this version needs it. Otherwise the error
// wraps one of these: [ErrSchemaBehind] names the missing migrations; [ErrSchemaAhead]
// names those that this version does not know; [ErrSchemaChanged] says which column or
// index differs from the migrations; [ErrUnfit] says what the server lacks. Check also
// returns what would break a reset on the application's own table, see
// [Store.CheckUsers], and wrong settings of SQLite. Last, it tries a write and rolls it
// back.
func (s *Store) Check(ctx context.Context) error {
	if err := s.checkSettings(ctx); err != nil {
		return err
	}
	if err := s.probe(ctx); err != nil {
		return wrap("check", err)
	}
	done, err := s.done(ctx)
	if err != nil {
		return err
	}
	if err := ahead(done); err != nil {
		return err
	}
	if pending := missing(done); len(pending) > 0 {
		return fmt.Errorf("%w: missing %s", ErrSchemaBehind, strings.Join(pending, ", "))
	}
	if err := s.checkSwitch(ctx, done); err != nil {
		return err
	}
	if err := s.checkShape(ctx); err != nil {
		return err
	}
	if err := s.checkUsers(ctx); err != nil {
		return err
	}
	return s.checkWritable(ctx)
}

// ahead refuses a database that a newer version has migrated.
func ahead(done []idRow) error {
	var unknown []string
	for _, d := range done {
		if _, err := find(d.ID); err != nil {
			unknown = append(unknown, d.ID)
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%w: it has %s, which this version does not know", ErrSchemaAhead, strings.Join(unknown, ", "))
	}
	return nil
}

func missing(done []idRow) (ids []string) {
	for _, m := range migrations {
		if !slices.Contains(done, idRow{m.id}) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// Migrate applies the missing migrations. It may run in several processes at the same
// time, and again after a crash at any point: each step is one transaction with its own
// record, behind a lock, and each statement can be repeated where the engine commits in
// between. Errors: [ErrSchemaAhead] for a database that a newer version has migrated,
// [ErrUnfit] for a server that lacks what the store relies on.
func (s *Store) Migrate(ctx context.Context) error {
	if s.joined != nil {
		return errors.New("bunstore: Migrate needs its own transactions: call it on a store that WithTx did not bind")
	}
	if err := s.checkSettings(ctx); err != nil {
		return err
	}
	if err := s.probe(ctx); err != nil {
		return wrap("migrate", err)
	}
	if err := s.checkUsers(ctx); err != nil {
		return err
	}
	done, err := s.done(ctx)
	if err == nil {
		err = ahead(done)
	}
	if err == nil {
		err = s.checkSwitch(ctx, done)
	}
	if err != nil || len(missing(done)) == 0 {
		return err
	}
	return wrap("migrate", s.unaborted(ctx, func() error { return s.locked(ctx, s.steps) }))
}

// steps applies the missing migrations on a connection.
func (s *Store) steps(ctx context.Context, c *sql.Conn) error {
	for _, m := range migrations {
		if err := s.step(ctx, c, m); err != nil {
			return fmt.Errorf("%s: %w", m.id, err)
		}
	}
	return nil
}

// locked runs f with the engine's migration lock, on engines where a connection holds
// the lock rather than a transaction.
func (s *Store) locked(ctx context.Context, f func(context.Context, *sql.Conn) error) error {
	c, err := s.db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	acquire, release := s.engine.lock(record)
	if release == "" {
		return f(ctx, c)
	}
	if s.isGalera() {
		return s.lockedByRow(ctx, c, f)
	}
	var got sql.NullInt64
	if err := c.QueryRowContext(ctx, acquire).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errors.New("another process has been migrating for a minute")
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), release) }()
	return f(ctx, c)
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

// recordExists asks the engine's catalogue whether the table of applied migrations
// exists.
func (s *Store) recordExists(ctx context.Context) (bool, error) {
	found, err := one[struct{ N int }](s.read(ctx), s.engine.catalogue+"'"+record+"'")
	return found.N > 0, err
}
