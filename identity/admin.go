package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// NewUser describes a user to create.
type NewUser struct {
	ID     string // at most 64 bytes; empty for a new UUIDv7
	Tenant string // at most 128 bytes
	Mobile string // any spelling
	// Password is the first password; it must satisfy the rules. Or:
	Password Secret
	// PasswordHash is taken over as it is: argon2id as a PHC string, or bcrypt,
	// scrypt or PBKDF2, which become argon2id at the next login.
	PasswordHash Secret
	// Unverified says that nobody has proved to hold the number. Such a user
	// cannot recover by SMS until [Service.UpdateUser] sets VerifiedAt.
	Unverified bool
}

// CreateUser stores a user. Errors: [ErrInvalidMobile], [*PasswordError],
// [ErrAlreadyExists] when the tenant has a user with the number or the id is
// taken, [*BusyError], and failures of storage.
func (s *Service) CreateUser(ctx context.Context, n NewUser) (User, error) {
	u, err := s.PrepareUser(ctx, n)
	if err != nil {
		return User{}, err
	}
	return u, s.insertUser(ctx, s.people, s.store, u)
}

// PrepareUser is CreateUser without the storing: it checks, gives an id, and
// hashes. It is for [Service.InsertUser] in a transaction of the embedder's, which
// no hash should keep open. Errors: those of CreateUser but [ErrAlreadyExists].
func (s *Service) PrepareUser(ctx context.Context, n NewUser) (User, error) {
	now := s.now()
	if !storable(n.ID, maxUserID) || !storable(n.Tenant, maxTenant) {
		return User{}, fmt.Errorf("identity: user id or tenant too long or with control characters")
	}
	mobile, _, err := s.mobiles.parse(n.Mobile)
	if err != nil {
		return User{}, err
	}
	u := User{ID: n.ID, Tenant: n.Tenant, Mobile: mobile, CreatedAt: now, PasswordChangedAt: now}
	if u.ID == "" {
		if u.ID, err = s.newID(); err != nil {
			return User{}, err
		}
	}
	if !n.Unverified {
		u.VerifiedAt = now
	}
	u.PasswordHash, err = s.firstHash(ctx, n, mobile)
	return u, err
}

// InsertUser stores a user made by [Service.PrepareUser], and its audit event, in
// a store such as one bound to a transaction of the embedder's. Errors:
// [ErrAlreadyExists] as of CreateUser, and failures of storage.
func (s *Service) InsertUser(ctx context.Context, in Storage, u User) error {
	return s.insertUser(ctx, in, in, u)
}

func (s *Service) insertUser(ctx context.Context, people Users, trail Audit, u User) error {
	if err := people.CreateUser(ctx, u); err != nil {
		return fmt.Errorf("identity: create user: %w", err)
	}
	return s.recordIn(ctx, trail, Event{At: u.CreatedAt, Type: EventUserCreated, Tenant: u.Tenant, UserID: u.ID, Mobile: maskMobile(u.Mobile)})
}

func (s *Service) firstHash(ctx context.Context, n NewUser, mobile string) (string, error) {
	if phc := n.PasswordHash.Reveal(); phc != "" {
		if !n.Password.Empty() {
			return "", errors.New("identity: both a password and a hash given")
		}
		_, err := passhash.Parse(phc)
		return phc, err
	}
	password := normalizePassword(n.Password)
	if err := s.checkNewPassword(ctx, password, mobile); err != nil {
		return "", err
	}
	return s.createHash(ctx, password)
}

// UserByMobile returns a user of the tenant. Errors: [ErrInvalidMobile],
// [ErrNotFound], and failures of storage.
func (s *Service) UserByMobile(ctx context.Context, tenant, mobile string) (User, error) {
	e164, _, err := s.mobiles.parse(mobile)
	if err != nil {
		return User{}, err
	}
	return s.people.UserByMobile(ctx, tenant, e164)
}

// UpdateUser changes a user's number, verification or enabled state. A new
// number counts as unverified unless change.VerifiedAt says otherwise; codes sent
// to the old one are dead. Errors: [ErrInvalidMobile], [ErrNotFound],
// [ErrAlreadyExists] for a number that another user of the tenant has, and
// failures of storage.
func (s *Service) UpdateUser(ctx context.Context, change UserChange) error {
	if change.Mobile != nil {
		e164, _, err := s.mobiles.parse(*change.Mobile)
		if err != nil {
			return err
		}
		change.Mobile = &e164
		if change.VerifiedAt == nil {
			change.VerifiedAt = &time.Time{}
		}
	}
	if err := s.people.UpdateUser(ctx, change); err != nil {
		return fmt.Errorf("identity: update user: %w", err)
	}
	return s.record(ctx, Event{At: s.now(), Type: EventUserChanged, Tenant: change.Tenant, UserID: change.ID})
}

// Unlock ends the row of failures that locks SMS reset for a number, known or
// not. Errors: [ErrInvalidMobile], and failures of storage.
func (s *Service) Unlock(ctx context.Context, tenant, mobile string) error {
	e164, _, err := s.mobiles.parse(mobile)
	if err != nil {
		return err
	}
	m := meter{policy: &s.cfg.Limits, tenant: tenant, mobile: e164}
	if err := s.store.ClearLimits(ctx, []limit.Key{m.streakKey()}); err != nil {
		return fmt.Errorf("identity: clear failures: %w", err)
	}
	return s.record(ctx, Event{At: s.now(), Type: EventUserUnlocked, Tenant: tenant, Mobile: maskMobile(e164)})
}

// RegisterClient stores an application. CreatedAt is set by the service. Errors:
// [ErrClientMissing] for a blank id, [ErrAlreadyExists], an error naming the
// field that is too long or has control characters, and failures of storage.
func (s *Service) RegisterClient(ctx context.Context, c Client) error {
	if strings.TrimSpace(c.ID) == "" {
		return ErrClientMissing
	}
	if c.ID != strings.TrimSpace(c.ID) || !storable(c.ID, maxClientID) {
		return errors.New("identity: client id with outer spaces, control characters or more than 128 bytes")
	}
	if !storable(c.Name, maxClaim) {
		return errors.New("identity: client name with control characters or more than 256 bytes")
	}
	for _, t := range append([]string{c.Tenant}, c.Tenants...) {
		if t != strings.TrimSpace(t) || !storable(t, maxTenant) {
			return errors.New("identity: tenant with outer spaces, control characters or more than 128 bytes")
		}
	}
	if c.MultiTenant && c.Tenant != "" || !c.MultiTenant && len(c.Tenants) > 0 {
		return errors.New("identity: Tenant is for clients of one tenant, Tenants for ISV clients")
	}
	c.Tenants, c.CreatedAt = slices.Clone(c.Tenants), s.now()
	if err := s.store.CreateClient(ctx, c); err != nil {
		return fmt.Errorf("identity: register client: %w", err)
	}
	return s.record(ctx, Event{At: c.CreatedAt, Type: EventClientCreated, ClientID: c.ID, Tenant: c.Tenant})
}

// Client returns a registered application. Errors: [ErrNotFound], and failures
// of storage.
func (s *Service) Client(ctx context.Context, id string) (Client, error) {
	return s.store.ClientByID(ctx, id)
}

// SetClientDisabled turns an application off or on. Errors: [ErrNotFound], and
// failures of storage.
func (s *Service) SetClientDisabled(ctx context.Context, id string, disabled bool) error {
	if err := s.store.SetClientDisabled(ctx, id, disabled); err != nil {
		return fmt.Errorf("identity: change client: %w", err)
	}
	return s.record(ctx, Event{At: s.now(), Type: EventClientChanged, ClientID: id})
}

// Events returns at most max audit events after the one with the given id, by
// time; an empty id starts at the oldest.
func (s *Service) Events(ctx context.Context, afterID string, max int) ([]Event, error) {
	return s.store.Events(ctx, afterID, max)
}

// Messages returns at most max outbox messages after the one with the given id,
// without their texts, by time; an empty id starts at the oldest.
func (s *Service) Messages(ctx context.Context, afterID string, max int) ([]OutboxMessage, error) {
	return s.store.MessageStates(ctx, afterID, max)
}

func (s *Service) record(ctx context.Context, e Event) error { return s.recordIn(ctx, s.store, e) }

func (s *Service) recordIn(ctx context.Context, trail Audit, e Event) (err error) {
	if e.ID, err = s.newID(); err != nil {
		return err
	}
	if err := trail.AppendEvent(ctx, e); err != nil {
		return fmt.Errorf("identity: record event: %w", err)
	}
	return nil
}
