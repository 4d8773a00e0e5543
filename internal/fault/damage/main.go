// Command damage answers the question: what does SQLite do with a damaged log? It copies a
// database at work, then cuts its write-ahead log or flips a bit in it. A database that
// opens must show one moment of the past, in which passwords, used codes and audit trail
// agree. Otherwise it must refuse to open.
//
//	go run ./internal/fault/damage -places 1000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func main() {
	places := flag.Int("places", 1000, "how many times the log is cut, and how many bits are flipped")
	flag.Parse()
	counts, err := run(context.Background(), *places)
	fmt.Println(counts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "damage:", err)
		os.Exit(1)
	}
}

type counts struct {
	cut, turned                int
	moments                    map[int]int // resets found in the copies that opened
	refused, wrong, unservable int
	resets                     int
}

func (c counts) String() string {
	return fmt.Sprintf("log of %d resets cut at %d places, a bit turned at %d: %d different moments of the past, %d copies refused; %d inconsistent, %d that do not serve",
		c.resets, c.cut, c.turned, len(c.moments), c.refused, c.wrong, c.unservable)
}

const (
	users  = 4
	rounds = 12
)

// past is a database in the middle of its work, and what it held after each reset.
type past struct {
	folder string
	hashes map[string][]string // by number: the stored hash after so many resets
}

func run(ctx context.Context, places int) (c counts, err error) {
	dir, err := os.MkdirTemp("", "rekey-damage-")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, err := work(ctx, dir)
	if err != nil {
		return c, err
	}
	c.moments, c.resets = map[int]int{}, users*rounds
	wal, err := os.ReadFile(filepath.Join(p.folder, "rekey.db-wal"))
	if err != nil {
		return c, err
	}
	if len(wal) == 0 {
		return c, errors.New("there is no log to damage")
	}
	for i := range places {
		at := rand.IntN(len(wal))
		if err := p.try(ctx, dir, wal[:at], i%25 == 0, &c); err != nil {
			return c, fmt.Errorf("cut at %d: %w", at, err)
		}
		c.cut++
		bent := append([]byte(nil), wal...)
		bent[at] ^= 1 << rand.IntN(8)
		if err := p.try(ctx, dir, bent, i%25 == 0, &c); err != nil {
			return c, fmt.Errorf("bit turned at %d: %w", at, err)
		}
		c.turned++
	}
	if c.wrong+c.unservable > 0 {
		return c, errors.New("copies that are inconsistent, or do not serve")
	}
	return c, nil
}

// work resets passwords and copies the files while the log is not yet in the
// database.
func work(ctx context.Context, dir string) (*past, error) {
	p := &past{folder: filepath.Join(dir, "past"), hashes: map[string][]string{}}
	live := filepath.Join(dir, "live")
	s, err := workload.New(ctx, live, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	if err := s.Users(ctx, 0, users); err != nil {
		return nil, err
	}
	// All of the work stays in the log: one connection, and no checkpoint.
	s.Store.DB().SetMaxOpenConns(1)
	for _, pragma := range []string{"PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA wal_autocheckpoint = 0"} {
		if _, err := s.Store.DB().DB.ExecContext(ctx, pragma); err != nil {
			return nil, err
		}
	}
	note := func(i int) error {
		number := workload.Number(i)
		u, err := s.Store.UserByMobile(ctx, "", "+86"+number)
		p.hashes[number] = append(p.hashes[number], u.PasswordHash)
		return err
	}
	for i := range users {
		if err := note(i); err != nil {
			return nil, err
		}
	}
	for round := range rounds {
		codes, err := s.Codes(ctx, 0, users)
		if err != nil {
			return nil, err
		}
		for i, code := range codes {
			password := fmt.Sprintf("violet-Harbor-%d-%d", i, round)
			if err := reset(ctx, s.Service, i, code, password); err != nil {
				return nil, err
			}
			if err := note(i); err != nil {
				return nil, err
			}
		}
	}
	if err := os.Mkdir(p.folder, 0o700); err != nil {
		return nil, err
	}
	return p, errors.Join(copyFile(live, p.folder, "rekey.db"), copyFile(live, p.folder, "rekey.db-wal"))
}

func reset(ctx context.Context, s *identity.Service, i int, code, password string) error {
	return s.ResetByMobile(ctx, identity.ResetRequest{Caller: workload.Caller(), Mobile: workload.Number(i),
		Code: identity.NewSecret(code), Password: identity.NewSecret(password)})
}

func copyFile(from, to, name string) error {
	data, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, name), data, 0o600)
}

// try opens a copy with a damaged log.
func (p *past) try(ctx context.Context, dir string, wal []byte, serve bool, c *counts) error {
	folder, err := os.MkdirTemp(dir, "copy-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := errors.Join(copyFile(p.folder, folder, "rekey.db"), os.WriteFile(filepath.Join(folder, "rekey.db-wal"), wal, 0o600)); err != nil {
		return err
	}
	path := filepath.Join(folder, "rekey.db")
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		c.refused++
		return nil
	}
	resets, fault := p.inspect(ctx, store)
	if err := store.Close(); err != nil {
		return err
	}
	if fault != nil {
		c.wrong++
		return fault
	}
	c.moments[resets]++
	if serve {
		if err := p.serves(ctx, folder, resets); err != nil {
			c.unservable++
			return err
		}
	}
	return nil
}

// inspect returns how many resets the copy knows, or what contradicts in it.
func (p *past) inspect(ctx context.Context, store *sqlite.Store) (resets int, fault error) {
	var says string
	if err := store.DB().DB.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&says); err != nil || says != "ok" {
		return 0, fmt.Errorf("integrity check: %s, %w", says, err)
	}
	events, err := store.Events(ctx, audit.Query{AfterID: "", Max: 10_000})
	if err != nil {
		return 0, err
	}
	of := map[string]int{}
	for _, e := range events {
		if e.Type == audit.PasswordReset {
			of[e.UserID]++
			resets++
		}
	}
	for number, hashes := range p.hashes {
		u, err := store.UserByMobile(ctx, "", "+86"+number)
		if errors.Is(err, identity.ErrNotFound) && resets == 0 {
			continue // of a moment before that user
		}
		if err != nil {
			return 0, err
		}
		if n := of[u.ID]; n >= len(hashes) || u.PasswordHash != hashes[n] {
			return 0, fmt.Errorf("user %s has another password than after %d resets", number, n)
		}
	}
	var used int
	if err := store.DB().DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM rekey_codes WHERE used_at > 0").Scan(&used); err != nil {
		return 0, err
	}
	if used != resets {
		return 0, fmt.Errorf("%d codes are used, %d passwords were reset", used, resets)
	}
	return resets, nil
}

// serves runs a whole reset on the copy.
func (p *past) serves(ctx context.Context, folder string, resets int) error {
	if resets == 0 {
		return nil // there may be no users yet
	}
	s, err := workload.Reopen(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	codes, err := s.Codes(ctx, 0, 1)
	if err != nil {
		return err
	}
	return reset(ctx, s.Service, 0, codes[0], "granite-Willow-58-again")
}
