package engines_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// A server stops answering during a commit or a rollback. MySQL's driver would wait for
// as long as the connection is open.
func TestSilenceEndsTheCall(t *testing.T) {
	t.Parallel()
	dsn := os.Getenv(engines[1].variable)
	if dsn == "" {
		t.Skipf("to run it, set %s to a server that may create databases, such as %s", engines[1].variable, engines[1].example)
	}
	for _, on := range []string{"COMMIT", "ROLLBACK"} {
		t.Run(on, func(t *testing.T) {
			t.Parallel()
			d, err := databases.On(t.Context(), "mysql", dsn)
			if err != nil {
				t.Fatal(err)
			}
			config, err := mysql.ParseDSN(dsn)
			if err != nil {
				t.Fatal(err)
			}
			proxy := newSilentProxy(t, config.Addr)
			through, err := d.Via(proxy.listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			pool, err := through.Pool(4)
			if err != nil {
				t.Fatal(err)
			}
			const timeout = 5 * time.Second // longer than a rollback may take
			s, err := bunstore.New(bun.NewDB(pool.DB, mysqldialect.New()), bunstore.WithCallTimeout(timeout))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			proxy.on = "\x03" + on // the byte before a query
			began, done := time.Now(), make(chan error, 1)
			go func() {
				err := s.AppendEvent(context.Background(), event("silent"), nil)
				if on == "ROLLBACK" { // the second call is refused
					err = s.AppendEvent(context.Background(), event("silent"), nil)
				}
				done <- err
			}()
			select {
			case err := <-done:
				if err == nil {
					t.Error("succeeded")
				}
			case <-time.After(time.Minute): // the engine's own time-outs are longer
				t.Errorf("still waits after %s", time.Since(began))
			}
		})
	}
}
