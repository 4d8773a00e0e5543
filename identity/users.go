package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
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
	// Verified says that the person has proved to hold the number, for example with a
	// code for PurposeRegister. Default false: the user cannot recover by SMS until
	// [Service.UpdateUser] sets VerifiedAt. Do not set it for a number that a person
	// only typed: the holder of that number could take the account over.
	Verified bool
}

// CreateUser stores a user. Errors: [ErrInvalidMobile], [*PasswordError], [*FieldError],
// [ErrAlreadyExists] when the tenant has a user with the number or the id is
// taken, [*BusyError], and failures of storage.
func (s *Service) CreateUser(ctx context.Context, n NewUser) (User, error) {
	u, err := s.PrepareUser(ctx, n)
	if err != nil {
		return User{}, err
	}
	return u, s.insertUser(ctx, s.people, s.store, u)
}

// PrepareUser does what CreateUser does, but stores nothing: it checks, gives an id,
// and hashes. Call it before a transaction of the application in which
// [Service.InsertUser] stores the user, so that hashing does not keep the transaction
// open. Errors: those of CreateUser but [ErrAlreadyExists].
func (s *Service) PrepareUser(ctx context.Context, n NewUser) (User, error) {
	now := s.now()
	if err := errors.Join(unstorable("NewUser", "ID", n.ID, maxUserID), unstorable("NewUser", "Tenant", n.Tenant, maxTenant)); err != nil {
		return User{}, err
	}
	number, err := s.parse(n.Mobile)
	if err != nil {
		return User{}, err
	}
	u := User{ID: n.ID, Tenant: n.Tenant, Mobile: number.E164(), CreatedAt: now, PasswordChangedAt: now}
	if u.ID == "" {
		if u.ID, err = s.ids.next(); err != nil {
			return User{}, err
		}
	}
	if n.Verified {
		u.VerifiedAt = now
	}
	u.PasswordHash, err = s.firstHash(ctx, n, number)
	return u, err
}

// InsertUser stores a user made by [Service.PrepareUser], and its audit event, in
// a store that may be bound to a transaction of the application. Errors:
// [ErrAlreadyExists] as of CreateUser, and failures of storage.
func (s *Service) InsertUser(ctx context.Context, in Storage, u User) error {
	return s.insertUser(ctx, in, in, u)
}

// RecordUser writes the audit event of a user whose row the application has inserted
// itself, in a store that may be bound to the application's transaction. u comes from
// [Service.PrepareUser], with the id that the database gave. Errors: failures of
// storage.
func (s *Service) RecordUser(ctx context.Context, in Audit, u User) error {
	return s.trail.record(ctx, in, audit.Event{At: u.CreatedAt, Type: audit.UserCreated, Tenant: u.Tenant, UserID: u.ID, Mobile: mobile.Mask(u.Mobile)})
}

func (s *Service) insertUser(ctx context.Context, people Users, trail Audit, u User) error {
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := people.CreateUser(callCtx, u); err != nil {
		return fmt.Errorf("identity: create user: %w", err)
	}
	return s.RecordUser(ctx, trail, u)
}

func (s *Service) firstHash(ctx context.Context, n NewUser, number mobile.Number) (string, error) {
	if phc := n.PasswordHash.Reveal(); phc != "" {
		if !n.Password.Empty() {
			return "", &FieldError{Of: "NewUser", Field: "PasswordHash", Problem: "is given together with Password"}
		}
		if !s.passwords.readable(phc) {
			return "", &FieldError{Of: "NewUser", Field: "PasswordHash", Problem: "has a scheme that cannot be verified, or its parameters are out of bounds"}
		}
		return phc, nil
	}
	password := normalize(n.Password)
	place, err := s.passwords.reserveHash(ctx)
	if err != nil {
		return "", err
	}
	defer place.leave()
	if err := s.passwords.accept(ctx, place, password, number); err != nil {
		return "", err
	}
	return s.passwords.create(ctx, password)
}

// UserByMobile returns a user of the tenant. Errors: [ErrInvalidMobile],
// [ErrNotFound], and failures of storage.
func (s *Service) UserByMobile(ctx context.Context, tenant, input string) (User, error) {
	number, err := s.parse(input)
	if err != nil {
		return User{}, err
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	return s.people.UserByMobile(callCtx, tenant, number.E164())
}

// UpdateUser changes a user's number, verification or enabled state. A new
// number counts as unverified unless change.VerifiedAt says otherwise, and codes sent
// to the old one no longer work. Errors: [ErrInvalidMobile], [ErrNotFound],
// [ErrAlreadyExists] for a number that another user of the tenant has, and
// failures of storage.
func (s *Service) UpdateUser(ctx context.Context, change UserChange) error {
	if change.Mobile != nil {
		number, err := s.parse(*change.Mobile)
		if err != nil {
			return err
		}
		change.Mobile = new(number.E164())
		if change.VerifiedAt == nil {
			change.VerifiedAt = &time.Time{}
		}
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := s.people.UpdateUser(callCtx, change); err != nil {
		return fmt.Errorf("identity: update user: %w", err)
	}
	return s.trail.record(ctx, s.store, audit.Event{At: s.now(), Type: audit.UserChanged, Tenant: change.Tenant, UserID: change.ID})
}

// Unlock lifts every limit that counts by the number: sends, wrong codes and
// failed logins, of strangers and of known devices. Limits that count by network
// stay. The number may be known or not. Errors: [ErrInvalidMobile], and failures
// of storage.
func (s *Service) Unlock(ctx context.Context, tenant, input string) error {
	number, err := s.parse(input)
	if err != nil {
		return err
	}
	numbers := s.meter.number(subject{tenant: tenant, number: number}, kindGuess)
	if err := s.changeLimits(ctx, []limit.Change{{Limit: numbers, Clear: true}}, s.now()); err != nil {
		return fmt.Errorf("identity: clear limits: %w", err)
	}
	return s.trail.record(ctx, s.store, audit.Event{At: s.now(), Type: audit.UserUnlocked, Tenant: tenant, Mobile: number.Masked()})
}

// UserByID returns a user of the tenant. Errors: [ErrNotFound], [ErrUnsupported]
// if [Config.Users] does not implement [Directory], and failures of storage.
func (s *Service) UserByID(ctx context.Context, tenant, id string) (User, error) {
	d, err := s.directory()
	if err != nil {
		return User{}, err
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	return d.UserByID(callCtx, tenant, id)
}

// Users returns at most max users of the tenant after the one with the given id,
// by id; an empty id starts at the first. Errors: [ErrUnsupported] as of UserByID,
// and failures of storage.
func (s *Service) Users(ctx context.Context, tenant, afterID string, max int) ([]User, error) {
	d, err := s.directory()
	if err != nil {
		return nil, err
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	return d.ListUsers(callCtx, tenant, afterID, max)
}

// DeleteUser erases a person: it removes the user and the remembered hashes. The audit
// trail keeps the user's id as a pseudonym, without a number, address or device.
// Errors: [ErrNotFound], [ErrUnsupported] as of UserByID, and failures of
// storage.
func (s *Service) DeleteUser(ctx context.Context, tenant, id string) error {
	d, err := s.directory()
	if err != nil {
		return err
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := d.DeleteUser(callCtx, tenant, id); err != nil {
		return fmt.Errorf("identity: delete user: %w", err)
	}
	return s.trail.record(ctx, s.store, audit.Event{At: s.now(), Type: audit.UserErased, Tenant: tenant, UserID: id})
}

func (s *Service) directory() (Directory, error) {
	if s.cfg.Users == nil {
		return s.store, nil
	}
	if d, ok := s.cfg.Users.(Directory); ok {
		return d, nil
	}
	return nil, ErrUnsupported
}

// NormalizeMobile returns the E.164 form of a number in any spelling that
// [Service.SendVerifyCode] reads. The service stores and compares that form, and
// passes it to a [CaptchaVerifier]. Errors: [ErrInvalidMobile].
func (s *Service) NormalizeMobile(input string) (string, error) {
	number, err := s.parse(input)
	return number.E164(), err
}
