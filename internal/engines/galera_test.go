package engines_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	lab "github.com/seed-16109ab2/rekey/internal/lab/servers"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

func TestGalera(t *testing.T) {
	g, err := lab.NewGalera(t.Context(), 3)
	if errors.Is(err, lab.ErrNoProgram) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Remove)
	fresh := func(t *testing.T) (stores []*bunstore.Store) {
		t.Helper()
		d, err := databases.On(t.Context(), "mysql", g.Nodes[0].DSN)
		if err != nil {
			t.Fatal(err)
		}
		for i := range g.Nodes {
			node, err := d.Via(g.Hosts(i))
			if err != nil {
				t.Fatal(err)
			}
			db, err := node.Pool(8)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			stores = append(stores, store(t, db))
		}
		return stores
	}

	// Servers start on all nodes at the same time, on a fresh database.
	t.Run("migrations at the same time", func(t *testing.T) {
		stores := fresh(t)
		together(t, func(i int) error { return stores[i%len(stores)].Migrate(context.Background()) })
		works(t, stores[0])
		for _, s := range stores {
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})

	// A process that died during a migration leaves its row behind.
	t.Run("a lease that is over", func(t *testing.T) {
		s := fresh(t)[1]
		exec(t, s.DB(), "CREATE TABLE rekey_migration_lock (id SMALLINT NOT NULL, holder VARBINARY(64) NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (id))")
		exec(t, s.DB(), "INSERT INTO rekey_migration_lock VALUES (1, 'dead', 1)")
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		works(t, s)
	})

	// A row that one node has acknowledged is visible on every other node.
	t.Run("reads see other nodes' writes", func(t *testing.T) {
		stores := fresh(t)
		for _, s := range stores {
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 100 {
			c := identity.Client{ID: name()}
			if err := stores[i%3].CreateClient(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if _, err := stores[(i+1)%3].ClientByID(t.Context(), c.ID); err != nil {
				t.Fatalf("write %d: %v", i, err)
			}
		}
	})

	// A pool that does not wait for the other nodes is refused, and so is one that prepares
	// statements.
	t.Run("unfit pools", func(t *testing.T) {
		pool := func(parameter string) *bunstore.Store {
			config, err := mysql.ParseDSN(g.Nodes[0].DSN + parameter)
			if err != nil {
				t.Fatal(err)
			}
			connector, err := mysql.NewConnector(config)
			if err != nil {
				t.Fatal(err)
			}
			db := sql.OpenDB(connector)
			t.Cleanup(func() { _ = db.Close() })
			return store(t, bun.NewDB(db, mysqldialect.New()))
		}
		if err := pool("?interpolateParams=true").Check(t.Context()); !errors.Is(err, bunstore.ErrUnfit) || !strings.Contains(err.Error(), "wsrep_sync_wait=1") {
			t.Error(err)
		}
		if err := pool("?wsrep_sync_wait=1").Check(t.Context()); !errors.Is(err, bunstore.ErrUnfit) || !strings.Contains(err.Error(), "interpolateParams=true") {
			t.Error(err)
		}
		if err := pool("?wsrep_sync_wait=1&interpolateParams=true").Check(t.Context()); !errors.Is(err, bunstore.ErrSchemaBehind) {
			t.Error(err)
		}
	})

	// A commit that was answered with OK and stored nothing is run again, whatever it
	// should have stored.
	t.Run("forgotten commit", func(t *testing.T) {
		usual, plain, watch := fresh(t)[0], fresh(t)[0], &spy{}
		for _, s := range []*bunstore.Store{usual, plain} {
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, st := range tour() {
			if err := st.call(t.Context(), usual); err != nil {
				t.Fatalf("%s: %v", st.name, err)
			}
		}
		s := store(t, watch.wrap(t, plain.DB()))
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, st := range tour() {
			commits := 0
			watch.set(func(c call) error {
				if c.kind != "commit" {
					return nil
				}
				if commits++; commits == 1 {
					return errForgotten
				}
				return nil
			})
			if err := st.call(t.Context(), s); err != nil || st.write && commits < 2 {
				t.Errorf("%s: %d commits: %v", st.name, commits, err)
			}
			watch.set(nil)
		}
		if d := cmp.Diff(rows(t, usual.DB()), rows(t, plain.DB())); d != "" {
			t.Errorf("rows (-without +with forgotten commits):\n%s", d)
		}
	})

	// The steps of one number run one after the other on all nodes, even if they write
	// no other row in common.
	t.Run("live codes of a number", func(t *testing.T) {
		stores := fresh(t)
		for _, s := range stores {
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for round := range 60 {
			key := []byte(name())[:32]
			var wg sync.WaitGroup
			for i, s := range stores { // one on each node: with more, the last one would end the others
				c, id := issue(i), name()
				c.Code.ID, c.Code.NumberKey, c.Messages, c.Event.ID = id, key, nil, id
				c.Charges, c.KeepLive = nil, 1
				wg.Go(func() {
					if _, err := s.IssueCode(context.Background(), c); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			var live int
			if err := stores[0].DB().DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM rekey_codes WHERE number_key = ? AND ended_at = 0 AND used_at = 0", key).Scan(&live); err != nil {
				t.Fatal(err)
			}
			if live != 1 {
				t.Fatalf("round %d: %d live codes, 1 kept", round, live)
			}
		}
	})
}
