package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/seed-16109ab2/rekey/identity/internal/hashgate"
	"github.com/seed-16109ab2/rekey/identity/internal/keyring"
	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Service is the use cases. It is safe for concurrent use.
type Service struct {
	cfg     Config
	store   Storage
	people  Users // store, unless the embedder keeps them elsewhere
	keys    *keyring.Ring
	gate    *hashgate.Gate
	hasher  *passhash.Hasher
	decoy   string // hash of a random password, for logins of nobody
	mobiles mobileParser
	writer  *writer
	random  io.Reader
	nudge   chan struct{}
	// sendTook is how long the provider takes, in ns, a moving average.
	sendTook atomic.Int64
}

// New checks the configuration, reports all of its faults together, and returns
// a service. It computes one password hash, and starts no goroutine: call
// [Service.Run] to have messages delivered.
func New(cfg Config) (*Service, error) {
	cfg.clone()
	cfg.fill()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	secrets := []string{cfg.Secret.Reveal()}
	for _, s := range cfg.OldSecrets {
		secrets = append(secrets, s.Reveal())
	}
	keys, err := keyring.New(secrets...)
	if err != nil {
		return nil, fmt.Errorf("identity: derive keys: %w", err)
	}
	s := &Service{
		cfg:     cfg,
		store:   cfg.Store,
		people:  cfg.Store,
		keys:    keys,
		gate:    hashgate.New(cfg.HashConcurrency, cfg.HashQueue),
		hasher:  passhash.NewHasher(passhash.Params(cfg.Hash)),
		mobiles: mobileParser{region: cfg.DefaultRegion, countries: cfg.Countries},
		writer:  newWriter(&cfg),
		random:  rand.Reader,
		nudge:   make(chan struct{}, 1),
	}
	if cfg.Users != nil {
		s.people = cfg.Users
	}
	if s.decoy, err = s.hasher.Create(rand.Text()); err != nil {
		return nil, fmt.Errorf("identity: hash: %w", err)
	}
	return s, nil
}

var minHash = HashParams{MemoryKiB: 19_456, Iterations: 2, Parallelism: 1}

func checkHashParams(p HashParams) []error {
	var errs []error
	bounds := func(name string, v, lo, hi uint32) {
		if v < lo || v > hi {
			errs = append(errs, fmt.Errorf("identity: Config.Hash.%s is %d, must be %d to %d", name, v, lo, hi))
		}
	}
	bounds("MemoryKiB", p.MemoryKiB, minHash.MemoryKiB, 1<<20)
	bounds("Iterations", p.Iterations, minHash.Iterations, 64)
	bounds("Parallelism", uint32(p.Parallelism), uint32(minHash.Parallelism), 16)
	return errs
}

// now is the clock as storage keeps it: UTC, in whole milliseconds.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

// newID is a UUIDv7 (RFC 9562, 5.7): ids sort by time.
func (s *Service) newID() (string, error) {
	id, err := uuid.NewV7FromReader(s.random)
	if err != nil {
		return "", fmt.Errorf("identity: random source: %w", err)
	}
	return id.String(), nil
}

// scope is whom a call acts for, once the client is known.
type scope struct {
	client Client
	tenant string
	// foreign says that the client does not serve the tenant it names. The call
	// goes on as if the tenant had no users.
	foreign bool
}

func (s *Service) scope(ctx context.Context, c Caller) (scope, error) {
	id := strings.TrimSpace(c.ClientID)
	if id == "" {
		return scope{}, ErrClientMissing
	}
	if strings.TrimSpace(c.Device) == "" {
		return scope{}, ErrDeviceMissing
	}
	if !storable(c.ClientID, maxClientID) {
		return scope{}, ErrClientNotFound
	}
	client, err := s.store.ClientByID(ctx, c.ClientID)
	switch {
	case errors.Is(err, ErrNotFound):
		return scope{}, ErrClientNotFound
	case err != nil:
		return scope{}, fmt.Errorf("identity: find client: %w", err)
	case client.Disabled:
		return scope{}, ErrClientDisabled
	}
	sc := scope{client: client, tenant: client.Tenant}
	named := strings.TrimSpace(c.TenantID)
	if client.MultiTenant {
		if named == "" {
			return scope{}, ErrTenantMissing
		}
		sc.tenant = named
		sc.foreign = len(client.Tenants) > 0 && !slices.Contains(client.Tenants, named)
	} else if client.Tenant != "" && named != "" && named != client.Tenant {
		sc.tenant, sc.foreign = named, true
	}
	if !storable(sc.tenant, maxTenant) {
		sc.tenant, sc.foreign = "", true
	}
	return sc, nil
}

// Lengths in bytes that storage keeps.
const (
	maxUserID   = 64
	maxClientID = 128
	maxTenant   = 128
	maxClaim    = 256
)

// storable reports whether every database keeps the string as it is.
func storable(s string, longest int) bool {
	return len(s) <= longest && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// claim makes what a caller says of itself fit for the audit trail.
func claim(s string) string { return clip(s, maxClaim) }

func clip(s string, longest int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "")
}

func (s *Service) meter(sc scope, c Caller, mobile, region string) meter {
	device := c.Device
	return meter{
		policy: &s.cfg.Limits, tenant: sc.tenant, client: sc.client.ID, device: device,
		mobile: mobile, region: region, addr: c.Address,
	}
}

// binding is what a code is bound to; nothing but the code itself is missing.
func (s *Service) binding(sc scope, c Caller, p Purpose, mobile string) []string {
	device := c.Device
	if s.cfg.InsecureAnyDevice {
		device = ""
	}
	return []string{sc.tenant, sc.client.ID, string(p), device, mobile}
}

// digestFields are what a code's digest covers: what it is bound to, the code,
// and the user with the password it is to replace, so that any other change of
// the password, or of who holds the number, ends the code.
func digestFields(binding []string, code string, u User) []string {
	return append(slices.Clone(binding), code, u.ID, u.PasswordHash)
}

// user finds the user of a number; found is false for nobody.
func (s *Service) user(ctx context.Context, sc scope, mobile string) (u User, found bool, err error) {
	u, err = s.people.UserByMobile(ctx, sc.tenant, mobile)
	if errors.Is(err, ErrNotFound) {
		return User{}, false, nil
	}
	if err != nil {
		return User{}, false, fmt.Errorf("identity: find user: %w", err)
	}
	return u, true, nil
}

// Reasons in the audit trail.
const (
	outcomeSent        = "queued"
	outcomeNoUser      = "no such user"
	outcomeDisabled    = "user disabled"
	outcomeUnverified  = "number not verified"
	outcomeForeign     = "client does not serve the tenant"
	outcomeNoCode      = "no live code"
	outcomeWrongCode   = "wrong code"
	outcomeLocked      = "locked after failures in a row"
	outcomeRaced       = "code or password changed meanwhile"
	outcomeWrongSecret = "wrong password"
)

// ineligible says why a user may not recover by SMS; empty if they may.
func ineligible(sc scope, u User, found bool) string {
	switch {
	case sc.foreign:
		return outcomeForeign
	case !found:
		return outcomeNoUser
	case u.Disabled:
		return outcomeDisabled
	case u.VerifiedAt.IsZero():
		return outcomeUnverified
	}
	return ""
}

func (s *Service) event(at time.Time, typ EventType, sc scope, c Caller, p Purpose, mobile string) (Event, error) {
	id, err := s.newID()
	if err != nil {
		return Event{}, err
	}
	e := Event{
		ID: id, At: at, Type: typ, Tenant: sc.tenant, ClientID: sc.client.ID, Purpose: p, Mobile: maskMobile(mobile),
		ClaimedAddress: claim(c.ClaimedAddress), Device: claim(c.Device), OSVersion: claim(c.OSVersion), Agent: claim(c.Agent),
	}
	if c.Address.IsValid() {
		e.Address = c.Address.String()
	}
	return e, nil
}

// limited turns a store's refusal into the caller's.
func limited(err error, doing string) error {
	if le, ok := errors.AsType[*limit.Error](err); ok {
		return &RateLimitedError{RetryAfter: max(le.RetryAfter, time.Millisecond)}
	}
	return fmt.Errorf("identity: %s: %w", doing, err)
}

// alarms tells the operator of limits that are filling up.
func (s *Service) alarms(ctx context.Context, now time.Time, spent []limit.Spent) {
	for _, sp := range spent {
		if !sp.Alarm {
			continue
		}
		s.cfg.Logger.ErrorContext(ctx, "limit is filling up", "limit", string(sp.Key))
		id, err := s.newID()
		if err == nil {
			err = s.store.AppendEvent(ctx, Event{ID: id, At: now, Type: EventAlarm, Outcome: string(sp.Key)})
		}
		if err != nil {
			s.cfg.Logger.ErrorContext(ctx, "alarm not recorded", "limit", string(sp.Key), "error", err)
		}
	}
}

// level waits until the time since start is a whole number of steps. What the
// wait hides is how long our own look-ups took, which goes by the real clock.
func (s *Service) level(ctx context.Context, start time.Time) {
	step := s.cfg.AnswerStep
	if step <= 0 {
		return
	}
	timer := time.NewTimer(step - time.Since(start)%step)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// hash runs one password hash behind the gate.
func (s *Service) hash(ctx context.Context, f func() error) error {
	var err error
	if gateErr := s.gate.Do(ctx, func() { err = f() }); errors.Is(gateErr, hashgate.ErrFull) {
		return &BusyError{RetryAfter: cmp.Or(s.gate.Drain(), time.Second)}
	} else if gateErr != nil {
		return fmt.Errorf("identity: wait for hashing: %w", gateErr)
	}
	return err
}

func (s *Service) createHash(ctx context.Context, password string) (phc string, err error) {
	err = s.hash(ctx, func() error {
		phc, err = s.hasher.Create(password)
		return err
	})
	return phc, err
}

func (s *Service) matchHash(ctx context.Context, h passhash.Hash, password string) (ok bool, err error) {
	err = s.hash(ctx, func() error {
		ok, err = s.hasher.Matches(h, password)
		return err
	})
	return ok, err
}
