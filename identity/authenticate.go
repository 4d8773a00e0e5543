package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Authenticate checks a user's password: what an embedder's login is built on.
// A hash of another scheme or with other parameters than configured is replaced
// by a fresh one once the password proved right, and failures in a row, of the
// login and of SMS reset, are forgotten.
//
// It has limits of its own, counted in storage: growing waits for a user after
// failures in a row, never a lock for good, and failures per address. An unknown
// number costs the same hash and gets the same answers at the same counts. That
// hash is argon2id: a user imported with a hash of another scheme is told from
// an unknown number by the time of a refusal, until the first login replaces it.
// A stored hash that cannot be read is nobody's password, and is logged; a reset
// replaces it.
//
// Errors: [ErrWrongCredentials] for a wrong password, an unknown or impossible
// number, and a disabled user; [*RateLimitedError], [*BusyError]; anything else
// is a failure of storage.
func (s *Service) Authenticate(ctx context.Context, r LoginRequest) (User, error) {
	start := time.Now()
	u, err := s.authenticate(ctx, r)
	if errors.Is(err, ErrWrongCredentials) {
		s.level(ctx, start)
	}
	return u, err
}

func (s *Service) authenticate(ctx context.Context, r LoginRequest) (User, error) {
	now := s.now()
	if !storable(r.Tenant, maxTenant) {
		return User{}, ErrWrongCredentials
	}
	mobile, _, err := s.mobiles.parse(r.Mobile)
	if err != nil {
		return User{}, ErrWrongCredentials // a number that nobody can have tells nothing about anybody
	}
	m := meter{policy: &s.cfg.Limits, tenant: r.Tenant, mobile: mobile, addr: r.Address}
	limits := m.logins()
	if _, err := s.store.Spend(ctx, limits, now); err != nil {
		return User{}, limited(err, "charge login")
	}
	user, found, err := s.user(ctx, scope{tenant: r.Tenant}, mobile)
	if err == nil {
		var right bool
		if right, err = s.checkPassword(ctx, user, normalizePassword(r.Password)); err == nil && (!right || !found || user.Disabled) {
			return User{}, s.refuseLogin(ctx, now, r, mobile, user, found)
		}
	}
	if err != nil {
		s.refundLogin(ctx, now, limits)
		return User{}, err
	}
	s.refundLogin(ctx, now, limits[1:])
	if err := s.store.ClearLimits(ctx, []limit.Key{m.loginKey(), m.streakKey()}); err != nil {
		return User{}, fmt.Errorf("identity: clear failures: %w", err)
	}
	return s.rehash(ctx, user, normalizePassword(r.Password)), nil
}

func (s *Service) refuseLogin(ctx context.Context, now time.Time, r LoginRequest, mobile string, user User, found bool) error {
	event, err := s.event(now, EventLoginRefused, scope{tenant: r.Tenant}, Caller{Address: r.Address}, "", mobile)
	if err != nil {
		return err
	}
	event.UserID = user.ID
	switch {
	case !found:
		event.Outcome = outcomeNoUser
	case user.Disabled:
		event.Outcome = outcomeDisabled
	default:
		event.Outcome = outcomeWrongSecret
	}
	if err := s.store.AppendEvent(ctx, event); err != nil {
		return fmt.Errorf("identity: record refusal: %w", err)
	}
	return ErrWrongCredentials
}

// refundLogin gives back what was spent on a login that did not fail.
func (s *Service) refundLogin(ctx context.Context, spentAt time.Time, limits []limit.Limit) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.store.ReleaseAttempt(ctx, Release{SpentAt: spentAt, Refunds: limits}); err != nil {
		s.cfg.Logger.WarnContext(ctx, "login charge not given back", "error", err)
	}
}

// rehash replaces a hash that is not of the configured kind. That it could not
// is no reason to refuse the login. A hash that tells the beginning of a password
// only is kept: what was typed may end otherwise than the user's password does,
// and would become the password.
func (s *Service) rehash(ctx context.Context, u User, password string) User {
	h, err := passhash.Parse(u.PasswordHash)
	if err != nil || s.hasher.Current(h) || h.Truncates(password) {
		return u
	}
	phc, err := s.createHash(ctx, password)
	if err == nil {
		err = s.people.ReplacePassword(ctx, PasswordChange{Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: phc})
	}
	if errors.Is(err, ErrConflict) {
		return u // changed meanwhile: theirs is newer
	}
	if err != nil {
		s.cfg.Logger.WarnContext(ctx, "password not rehashed", "user", u.ID, "error", err)
		return u
	}
	u.PasswordHash = phc
	return u
}
