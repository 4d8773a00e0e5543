package engines_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	gormmysql "gorm.io/driver/mysql"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// inTx begins a transaction with a library, runs f in it, and commits unless f fails.
type inTx func(ctx context.Context, db *bun.DB, f func(tx bunstore.Tx, exec func(statement string) error) error) error

var libraries = map[string]inTx{
	"database/sql": func(ctx context.Context, db *bun.DB, f func(bunstore.Tx, func(string) error) error) error {
		tx, err := db.DB.BeginTx(ctx, &sql.TxOptions{Isolation: isolation(db)})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if err := f(tx, func(statement string) error { _, err := tx.ExecContext(ctx, statement); return err }); err != nil {
			return err
		}
		return tx.Commit()
	},
	"bun": func(ctx context.Context, db *bun.DB, f func(bunstore.Tx, func(string) error) error) error {
		return db.RunInTx(ctx, &sql.TxOptions{Isolation: isolation(db)}, func(ctx context.Context, tx bun.Tx) error {
			return f(tx, func(statement string) error { _, err := tx.ExecContext(ctx, statement); return err })
		})
	},
	"GORM": func(ctx context.Context, db *bun.DB, f func(bunstore.Tx, func(string) error) error) error {
		return onGORM(ctx, db, &gorm.Config{Logger: logger.Discard}, f)
	},
	"GORM that prepares": func(ctx context.Context, db *bun.DB, f func(bunstore.Tx, func(string) error) error) error {
		return onGORM(ctx, db, &gorm.Config{Logger: logger.Discard, PrepareStmt: true}, f)
	},
	"pgx": func(ctx context.Context, db *bun.DB, f func(bunstore.Tx, func(string) error) error) error {
		// database/sql begins the transaction, and pgx uses it on the same connection.
		// For a pgxpool.Pool, stdlib.OpenDBFromPool returns the *sql.DB.
		c, err := db.DB.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		native := func(statement string) error {
			return c.Raw(func(driver any) error {
				pg, ok := driver.(*stdlib.Conn)
				if !ok {
					return errors.New("not pgx")
				}
				_, err := pg.Conn().Exec(ctx, statement)
				return err
			})
		}
		if err := f(tx, native); err != nil {
			return err
		}
		return tx.Commit()
	},
}

func isolation(db *bun.DB) sql.IsolationLevel {
	if db.Dialect().Name() == dialect.SQLite {
		return sql.LevelDefault
	}
	return sql.LevelReadCommitted
}

func onGORM(ctx context.Context, db *bun.DB, cfg *gorm.Config, f func(bunstore.Tx, func(string) error) error) error {
	dialector := gormpostgres.New(gormpostgres.Config{Conn: db.DB})
	if db.Dialect().Name() == dialect.MySQL {
		dialector = gormmysql.New(gormmysql.Config{Conn: db.DB})
	}
	g, err := gorm.Open(dialector, cfg)
	if err != nil {
		return err
	}
	return g.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		joined, ok := tx.Statement.ConnPool.(bunstore.Tx)
		if !ok {
			return errors.New("GORM is in no transaction")
		}
		return f(joined, func(statement string) error { return tx.Exec(statement).Error })
	}, &sql.TxOptions{Isolation: isolation(db)})
}

// The application's row and ours are committed or rolled back together, no matter which
// library began the transaction.
func TestJoinATransactionOf(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		for name, in := range libraries {
			engine := fresh(t).Dialect().Name()
			if name == "pgx" && engine != dialect.PG || strings.HasPrefix(name, "GORM") && engine == dialect.SQLite {
				continue
			}
			t.Run(name, func(t *testing.T) {
				db := fresh(t)
				exec(t, db, "CREATE TABLE orders (id INTEGER PRIMARY KEY, owner VARCHAR(64))")
				s := migrated(t, db)
				f := identitytest.New(t)
				user, err := f.PrepareUser(t.Context(), identity.NewUser{Mobile: "13800138001", Verified: true, Password: identity.NewSecret("violet-Harbor-93")})
				if err != nil {
					t.Fatal(err)
				}
				errOurs := errors.New("the application has changed its mind")
				for _, fail := range []error{errOurs, nil} {
					err := in(t.Context(), db, func(tx bunstore.Tx, execIn func(string) error) error {
						joined := s.WithTx(tx)
						if err := execIn("INSERT INTO orders VALUES (1, 'a')"); err != nil {
							return err
						}
						if err := f.InsertUser(t.Context(), joined, user); err != nil {
							return err
						}
						if err := f.InsertUser(t.Context(), joined, user); !errors.Is(err, identity.ErrAlreadyExists) {
							t.Errorf("twice: %v", err)
						}
						if _, err := joined.UserByMobile(t.Context(), "", user.Mobile); err != nil {
							t.Errorf("not seen in its own transaction: %v", err)
						}
						if err := execIn("INSERT INTO orders VALUES (2, 'b')"); err != nil {
							t.Errorf("after a refusal: %v", err)
						}
						return fail
					})
					if !errors.Is(err, fail) {
						t.Fatal(err)
					}
					var orders int
					if err := db.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM orders").Scan(&orders); err != nil {
						t.Fatal(err)
					}
					_, err = s.UserByMobile(t.Context(), "", user.Mobile)
					if want := fail == nil; (err == nil) != want || (orders == 2) != want {
						t.Errorf("failed with %v: %d orders, user %v", fail, orders, err)
					}
				}
			})
		}
	})
}

// A wrong argument is an error, not a panic.
func TestJoinNoTransaction(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		s := migrated(t, db)
		done, err := db.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := done.Rollback(); err != nil {
			t.Fatal(err)
		}
		var none *sql.Tx
		var noneOfBun *bun.Tx
		for name, tx := range map[string]bunstore.Tx{
			"nil": nil, "nil *sql.Tx": none, "zero bun.Tx": bun.Tx{}, "nil *bun.Tx": noneOfBun, "pointer to a zero bun.Tx": &bun.Tx{}, "ended": done, "ended of bun": bun.Tx{Tx: done},
		} {
			joined := s.WithTx(tx)
			for method, call := range map[string]func() error{
				"CreateUser":   func() error { return joined.CreateUser(t.Context(), identity.User{ID: "1", Mobile: "+8613912345678"}) },
				"UserByMobile": func() error { _, err := joined.UserByMobile(t.Context(), "", "+8613912345678"); return err },
				"CreateClient": func() error { return joined.CreateClient(t.Context(), identity.Client{ID: "app"}) },
				"AppendEvent":  func() error { return joined.AppendEvent(t.Context(), audit.Event{ID: "e"}, nil) },
				"Migrate":      func() error { return joined.Migrate(t.Context()) },
			} {
				if err := call(); err == nil || errors.Is(err, identity.ErrNotFound) {
					t.Errorf("%s, %s: %v", name, method, err)
				}
			}
		}
		if _, err := s.UserByMobile(t.Context(), "", "+8613912345678"); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("a row was written: %v", err)
		}
	})
}
