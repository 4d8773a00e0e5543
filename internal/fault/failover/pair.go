package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/servers"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// pair is a PostgreSQL primary with a synchronous standby. A new standby listens
// where the lost server did, so that the address stays as it is.
type pair struct {
	primary, standby *servers.Server
	// ports are in the order of the address, which failovers do not change.
	ports [2]int
	// behind makes a pair that loses acknowledged commits: commits do not wait for the
	// standby, which is down for this long before the primary is lost.
	behind time.Duration
}

// settings keep a small cluster quick. Nothing here makes a commit less durable
// than the documentation says.
var settings = []string{"-c", "wal_level=replica", "-c", "max_wal_senders=8", "-c", "hot_standby=on", "-c", "synchronous_commit=on",
	"-c", "shared_buffers=32MB", "-c", "max_connections=60"}

func newPair(ctx context.Context, behind time.Duration) (_ *pair, err error) {
	p := &pair{behind: behind}
	defer func() {
		if err != nil {
			p.remove()
		}
	}()
	if p.primary, err = servers.New(ctx, "postgres"); err != nil {
		return nil, err
	}
	p.primary.Args = settings
	if err := p.primary.Start(ctx); err != nil {
		return nil, err
	}
	standby, err := servers.Empty("postgres")
	if err != nil {
		return nil, err
	}
	p.ports = [2]int{p.primary.Port, standby.Port}
	return p, p.attach(ctx, standby)
}

// attach copies the primary, and returns when commits wait for the copy.
func (p *pair) attach(ctx context.Context, standby *servers.Server) error {
	p.standby = standby
	standby.Args = settings
	cmd, err := standby.Command(ctx, "pg_basebackup", "-D", standby.Data(), "-d", p.primary.DSN, "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync")
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	if err := standby.Start(ctx); err != nil || p.behind > 0 {
		return err
	}
	if err := p.ask(ctx, p.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	return p.until(ctx, p.primary, "SELECT COUNT(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
}

// open connects to whichever of the two servers accepts writes.
func (p *pair) open(ctx context.Context, _ int) (*bunstore.Store, error) {
	d := &databases.Database{Engine: "postgres", Address: fmt.Sprintf(
		"postgres://rekey@127.0.0.1:%d,127.0.0.1:%d/postgres?sslmode=disable&target_session_attrs=read-write&connect_timeout=2", p.ports[0], p.ports[1])}
	return d.Open(ctx, 8)
}

// lose does what the operator of a pair does: it makes sure that the old primary is gone,
// promotes the standby, and lets it serve alone.
func (p *pair) lose(ctx context.Context) error {
	if p.behind > 0 {
		if err := p.standby.Crash(); err != nil {
			return err
		}
		time.Sleep(p.behind)
		defer func() { p.behind = 0 }()
	}
	if err := errors.Join(p.primary.Crash(), os.RemoveAll(p.primary.Dir)); err != nil {
		return err
	}
	if p.behind > 0 {
		if err := p.standby.Start(ctx); err != nil {
			return err
		}
	}
	return p.ask(ctx, p.standby, "SELECT pg_promote()", "ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
}

func (p *pair) replace(ctx context.Context) error {
	gone := p.primary
	p.primary, p.standby = p.standby, nil
	standby, err := servers.Empty("postgres")
	if err != nil {
		return err
	}
	standby.Listen(gone.Port)
	return p.attach(ctx, standby)
}

func (p *pair) remove() {
	for _, s := range []*servers.Server{p.primary, p.standby} {
		if s != nil {
			s.Remove()
		}
	}
}

// ask runs statements one after the other.
func (p *pair) ask(ctx context.Context, s *servers.Server, statements ...string) error {
	return onServer(ctx, s, func(db *sql.DB) error {
		for _, statement := range statements {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

// until waits until the query says true.
func (p *pair) until(ctx context.Context, s *servers.Server, query string) error {
	return onServer(ctx, s, func(db *sql.DB) error {
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			var yes bool
			err := db.QueryRowContext(ctx, query).Scan(&yes)
			if yes || time.Now().After(deadline) {
				return err
			}
		}
	})
}

func onServer(ctx context.Context, s *servers.Server, f func(*sql.DB) error) error {
	db, err := s.Open()
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}
