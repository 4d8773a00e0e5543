// Package workload prepares a service on an SQLite file, users, and codes that can be
// redeemed, for the programs under fault and measure.
package workload

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// The values that every request carries.
const (
	ClientID = "DRrYIqauawN0I8myTMoDTPys6ezGZxnm"
	Device   = "156aysdna213sac"
	Password = "violet-Harbor-93"
	// oldHash is never compared with a password, so that users can be made without
	// computing a hash.
	oldHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
)

// Service is a running service with high limits.
type Service struct {
	*identity.Service
	Store *bunstore.Store

	mu    sync.Mutex
	codes map[string]string // by E.164 number
	more  chan struct{}
	stop  func()
	close func() error
}

// New opens a service on a file in the folder. The delay is how long its SMS provider
// takes.
func New(ctx context.Context, dir string, delay time.Duration, configure ...func(*identity.Config)) (*Service, error) {
	s, err := open(ctx, dir, delay, configure...)
	if err != nil {
		return nil, err
	}
	return s, s.RegisterClient(ctx, identity.Client{ID: ClientID})
}

// Reopen is New for a folder in which it was called before.
func Reopen(ctx context.Context, dir string) (*Service, error) { return open(ctx, dir, 0) }

func open(ctx context.Context, dir string, delay time.Duration, configure ...func(*identity.Config)) (*Service, error) {
	store, err := sqlite.Open(ctx, filepath.Join(dir, "rekey.db"))
	if err != nil {
		return nil, err
	}
	return on(ctx, store.Store, store.Close, delay, configure...)
}

// On is New on a database that has no client yet.
func On(ctx context.Context, d *databases.Database, configure ...func(*identity.Config)) (*Service, error) {
	store, err := d.Open(ctx, 16)
	if err != nil {
		return nil, err
	}
	s, err := on(ctx, store, store.DB().Close, 0, configure...)
	if err != nil {
		return nil, err
	}
	return s, s.RegisterClient(ctx, identity.Client{ID: ClientID})
}

func on(ctx context.Context, store *bunstore.Store, closeStore func() error, delay time.Duration, configure ...func(*identity.Config)) (s *Service, err error) {
	s = &Service{Store: store, close: closeStore, codes: map[string]string{}, more: make(chan struct{}, 1)}
	cfg := identity.Config{
		Store: store, SMS: provider{s, delay}, Secret: identity.NewSecret("a secret for measuring, 32 bytes"), HashQueue: 4096, HashWait: -1, StorageWait: -1, SendConcurrency: 32,
	}
	identitytest.Lift(&cfg)
	for _, c := range configure {
		c(&cfg)
	}
	if s.Service, err = identity.New(cfg); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.stop = func() { cancel(); <-done }
	return s, nil
}

// Close stops deliveries and closes the file.
func (s *Service) Close() error {
	s.stop()
	return s.close()
}

type provider struct {
	service *Service
	delay   time.Duration
}

// Send implements sms.Sender.
func (p provider) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	select {
	case <-time.After(p.delay):
	case <-ctx.Done():
		return sms.Accepted{}, ctx.Err()
	}
	if m.Kind == sms.KindVerifyCode {
		p.service.mu.Lock()
		p.service.codes[m.To] = m.Params["code"]
		p.service.mu.Unlock()
		select {
		case p.service.more <- struct{}{}:
		default:
		}
	}
	return sms.Accepted{Provider: "workload"}, nil
}

// Number returns the number of the i-th user.
func Number(i int) string { return fmt.Sprintf("138%08d", i*10007%100_000_000) }

// Caller returns the caller of all requests.
func Caller() identity.Caller {
	return identity.Caller{ClientID: ClientID, Device: Device, OSVersion: "Android 10", Agent: "workload", Address: netip.MustParseAddr("127.0.0.1")}
}

// Users makes the users from first up to, but not including, last.
func (s *Service) Users(ctx context.Context, first, last int) error {
	for i := first; i < last; i++ {
		if _, err := s.CreateUser(ctx, identity.NewUser{Mobile: Number(i), Verified: true, PasswordHash: identity.NewSecret(oldHash)}); err != nil {
			return err
		}
	}
	return nil
}

// Codes sends a code to each of those users and returns the codes when all have
// arrived.
func (s *Service) Codes(ctx context.Context, first, last int) ([]string, error) {
	for i := first; i < last; i++ {
		err := s.SendVerifyCode(ctx, identity.SendRequest{Caller: Caller(), Mobile: Number(i), Purpose: identity.PurposeForgotPassword})
		if err != nil {
			return nil, err
		}
	}
	return s.Arrived(ctx, first, last)
}

// RecordedResets counts the resets of each user in the audit trail.
func RecordedResets(ctx context.Context, trail identity.Audit) (map[string]int, error) {
	resets := map[string]int{}
	for after := ""; ; {
		events, err := trail.Events(ctx, audit.Query{AfterID: after, Max: 10_000})
		if err != nil || len(events) == 0 {
			return resets, err
		}
		for _, e := range events {
			after = e.ID
			if e.Type == audit.PasswordReset {
				resets[e.UserID]++
			}
		}
	}
}

// Arrived returns the codes of those users when all have arrived.
func (s *Service) Arrived(ctx context.Context, first, last int) ([]string, error) {
	codes := make([]string, 0, last-first)
	for i := first; i < last; i++ {
		code, err := s.take(ctx, "+86"+Number(i))
		if err != nil {
			return nil, err
		}
		codes = append(codes, code)
	}
	return codes, nil
}

func (s *Service) take(ctx context.Context, e164 string) (string, error) {
	for {
		s.mu.Lock()
		code, ok := s.codes[e164]
		delete(s.codes, e164)
		s.mu.Unlock()
		if ok {
			return code, nil
		}
		select {
		case <-s.more:
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}
