package engines_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// silentProxy passes connections on to a server. Connections that are open when silence
// is called pass on no more bytes and are not closed. New connections work.
type silentProxy struct {
	listener net.Listener
	target   string
	// on is the text that begins the silence when a client sends it. It must be set
	// before the first connection.
	on     string
	age    atomic.Int64
	opened atomic.Int64
}

func newSilentProxy(t testing.TB, target string) *silentProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &silentProxy{listener: listener, target: target}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.pass(client)
		}
	}()
	return p
}

func (p *silentProxy) silence() { p.age.Add(1) }

func (p *silentProxy) pass(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p.opened.Add(1)
	age := p.age.Load()
	copyBytes := func(to, from net.Conn) {
		buffer := make([]byte, 16<<10)
		for {
			n, err := from.Read(buffer)
			if p.on != "" && to == server && strings.Contains(string(buffer[:n]), p.on) {
				p.silence()
			}
			for p.age.Load() != age && n > 0 && err == nil {
				n, err = from.Read(buffer) // the bytes are dropped
			}
			if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
				break
			}
		}
		for _, c := range []io.Closer{to, from} {
			_ = c.Close()
		}
	}
	go copyBytes(server, client)
	copyBytes(client, server)
}

func postgres(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv(engines[0].variable)
	if dsn == "" {
		t.Skipf("to run it, set %s to a server that may create databases, such as %s", engines[0].variable, engines[0].example)
	}
	return dsn
}

// ownDatabase makes a new database, so that its settings do not affect other tests.
func ownDatabase(t *testing.T) (dsn, database string, admin *bun.DB) {
	t.Helper()
	dsn = postgres(t)
	database = name()
	admin = bun.NewDB(open(t, "pgx", dsn), pgdialect.New())
	run(t, admin.DB, "CREATE DATABASE "+database)
	t.Cleanup(func() { run(t, admin.DB, "DROP DATABASE "+database+" WITH (FORCE)") })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return u.String(), database, admin
}

// used returns a store whose pool has that many idle connections.
func used(t *testing.T, dsn string, connections int) *bunstore.Store {
	t.Helper()
	s := migrated(t, bun.NewDB(open(t, "pgx", dsn), pgdialect.New()))
	var held []io.Closer
	for range connections {
		c, err := s.DB().DB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	for _, c := range held {
		_ = c.Close()
	}
	return s
}

// A firewall forgets all open connections, or the machine behind them stops: neither a
// byte nor an error comes back. Calls continue over new connections.
func TestSilentConnectionsLeaveThePool(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	dsn, _, _ := ownDatabase(t)
	proxy := newSilentProxy(t, u.Host)
	through, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	through.Host = proxy.listener.Addr().String()
	s := used(t, through.String(), 12)
	proxy.silence()

	began := time.Now()
	calls := func(round string) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if err := s.AppendEvent(context.Background(), event(fmt.Sprint(round, i)), nil); err != nil {
					t.Errorf("write after %s: %v", time.Since(began), err)
				}
				if _, err := s.ClientByID(context.Background(), "nobody"); err == nil || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("read after %s: %v", time.Since(began), err)
				}
				code := issue(i)
				code.Code.ID, code.Messages[0].ID, code.Event.ID = round+code.Code.ID, round+code.Messages[0].ID, round+code.Event.ID
				if _, err := s.IssueCode(context.Background(), code); err != nil {
					t.Errorf("send after %s: %v", time.Since(began), err)
				}
			})
		}
		wg.Wait()
	}
	calls("first")
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("the calls of the first round took %s", took)
	}
	began = time.Now()
	calls("second")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the calls of the second round took %s: dead connections are still in the pool", took)
	}
}

// After a failover the pool's connections reach a server that is read-only. New
// connections reach the writable server.
func TestDemotedConnectionsLeaveThePool(t *testing.T) {
	t.Parallel()
	dsn, database, admin := ownDatabase(t)
	s := migrated(t, bun.NewDB(open(t, "pgx", dsn), pgdialect.New()))
	_ = s.DB().Close()
	run(t, admin.DB, "ALTER DATABASE "+database+" SET default_transaction_read_only = on")
	db := bun.NewDB(open(t, "pgx", dsn), pgdialect.New())
	var held []io.Closer
	for range 12 {
		c, err := db.DB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	for _, c := range held {
		_ = c.Close()
	}
	s = store(t, db)
	// As long as no server is writable, calls fail quickly.
	began := time.Now()
	if err := s.AppendEvent(t.Context(), event("early"), nil); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	run(t, admin.DB, "ALTER DATABASE "+database+" RESET default_transaction_read_only")
	time.Sleep(1100 * time.Millisecond) // the previous sweep may have been a moment ago
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := s.AppendEvent(context.Background(), event(fmt.Sprint(i)), nil); err != nil {
				t.Errorf("over a read-only connection: %v", err)
			}
		})
	}
	wg.Wait()
}

// The server ends all connections, as it does when it restarts.
func TestEndedConnectionsLeaveThePool(t *testing.T) {
	t.Parallel()
	dsn, database, admin := ownDatabase(t)
	s := used(t, dsn, 12)
	run(t, admin.DB, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+database+"'")
	for i := range 8 {
		if err := s.AppendEvent(t.Context(), event(fmt.Sprint(i)), nil); err != nil {
			t.Error(err)
		}
		if _, err := s.UserByMobile(t.Context(), "", "nobody"); err == nil || errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
}

// A call that waits for a lock of another session ends, and its wait in the server ends
// too.
func TestLockedRowsEndTheCall(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		migrated(t, db)
		s, err := bunstore.New(db, bunstore.WithCallTimeout(3*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Spend(t.Context(), charges("any"), tourTime); err != nil {
			t.Fatal(err)
		}
		tx, err := db.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		rowsOf(t, tx, "SELECT limit_key FROM rekey_limits FOR UPDATE", nil)
		began := time.Now()
		_, err = s.Spend(context.Background(), charges("any"), tourTime)
		if took := time.Since(began); err == nil || took > 4*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

func TestCallTimeoutMustBePositive(t *testing.T) {
	t.Parallel()
	if _, err := bunstore.New(freshSQLite(t), bunstore.WithCallTimeout(0)); err == nil {
		t.Error("accepted")
	}
}
