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

// Authenticate checks a user's password, for the application's login. If the password is
// right, a hash of another scheme or with other parameters than configured is replaced, and
// the device is known from then on, see [LimitPolicy].
//
// Failed logins have their own limits, which are counted in the storage: by number and
// network, by number for all strangers together, by number for known devices, and by
// network. Strangers cannot lock a known device out. A number without a user costs the
// same hash and gets the same answers at the same counts. That hash is argon2id. So the
// time of a refusal distinguishes a user who was imported with a hash of another scheme
// from a number without a user, until the first login replaces the hash.
//
// A login fails if the password was replaced while it was compared.
//
// Errors: [ErrWrongCredentials] for a wrong password, a number without a user or
// an impossible number, and a disabled user; [*RateLimitedError], [*BusyError];
// anything else is a failure of storage.
func (s *Service) Authenticate(ctx context.Context, r LoginRequest) (User, error) {
	start := time.Now()
	u, err := s.authenticate(ctx, r)
	if errors.Is(err, ErrWrongCredentials) {
		s.level(ctx, start)
	}
	return u, err
}

// login is one attempt to sign in or to prove knowledge of the password.
type login struct {
	at       time.Time
	request  LoginRequest
	number   mobile.Number // zero for an account without one
	account  string        // what is counted if there is no number
	password Secret        // normalized
	// find reads the user as they are now.
	find   func(context.Context) (u User, found bool, err error)
	limits []limit.Limit
}

func (s *Service) authenticate(ctx context.Context, r LoginRequest) (User, error) {
	if !storable(r.Tenant, maxTenant) {
		return User{}, ErrWrongCredentials
	}
	number, err := s.mobiles.Parse(r.Mobile)
	if err != nil {
		return User{}, ErrWrongCredentials // an impossible number reveals nothing about users
	}
	place, err := s.passwords.reserveHash(ctx)
	if err != nil {
		return User{}, err
	}
	defer place.leave()
	l := &login{request: r, number: number, find: func(ctx context.Context) (User, bool, error) { return s.user(ctx, r.Tenant, number) }}
	user, err := s.signIn(ctx, l)
	if err != nil {
		return User{}, err
	}
	return s.rehash(ctx, user, l.password), nil
}

// signIn charges the attempt, compares the password, and gives the charge back on success.
// The caller has reserved a hash.
func (s *Service) signIn(ctx context.Context, l *login) (User, error) {
	r := l.request
	who := subject{tenant: r.Tenant, client: r.ClientID, device: r.Device, number: l.number, account: l.account, address: r.Address}
	l.at, l.password = s.now(), normalize(r.Password)
	l.limits = []limit.Limit{s.meter.numberLogins(who), s.meter.networkLogins(who)}
	if err := s.chargeLogin(ctx, l); err != nil {
		if _, busy := errors.AsType[*BusyError](err); busy {
			return User{}, err
		}
		if refused, ok := errors.AsType[*limit.Error](err); ok && locked(refused) && !l.number.IsZero() {
			s.lock(ctx, l.at, scope{tenant: r.Tenant, client: Client{ID: r.ClientID}}, Caller{Address: r.Address, Device: r.Device}, "", l.number)
		}
		return User{}, s.limited(ctx, err, "charge login")
	}
	user, err := s.judgeLogin(ctx, l)
	if errors.Is(err, ErrWrongCredentials) {
		return User{}, err
	}
	if changeErr := s.changeLimits(ctx, l.changes(err == nil), l.at); changeErr != nil {
		s.log.once(ctx, "login charge not given back", "error", changeErr)
	}
	return user, err
}

// chargeLogin spends the login's limits when its turn comes.
func (s *Service) chargeLogin(ctx context.Context, l *login) error {
	turn, err := s.admit(ctx)
	if err != nil {
		return err
	}
	defer turn.leave()
	return turn.do(ctx, func() error {
		_, err := s.spend(ctx, l.limits, l.at)
		return err
	})
}

// changes returns what takes back the charges of a login that did not fail.
func (l *login) changes(succeeded bool) []limit.Change {
	return []limit.Change{
		{Limit: l.limits[0], SpentAt: l.at, Remember: succeeded},
		{Limit: l.limits[1], SpentAt: l.at},
	}
}

// judgeLogin compares the password. If the user's password is replaced meanwhile, it
// compares again, because a password that matched the old hash must not succeed.
func (s *Service) judgeLogin(ctx context.Context, l *login) (User, error) {
	for range 3 {
		user, found, err := l.find(ctx)
		if err != nil {
			return User{}, err
		}
		if found && user.PasswordHash != "" && !s.passwords.readable(user.PasswordHash) {
			s.log.once(ctx, "a stored password hash cannot be read", "user", user.ID)
		}
		right, err := s.passwords.matches(ctx, user.PasswordHash, l.password)
		if err != nil {
			return User{}, err
		}
		if !right || !found || user.Disabled {
			return User{}, s.refuseLogin(ctx, l, user, found)
		}
		again, found, err := l.find(ctx)
		if err != nil {
			return User{}, err
		}
		if found && again.ID == user.ID && again.PasswordHash == user.PasswordHash && !again.Disabled {
			return again, nil
		}
	}
	return User{}, fmt.Errorf("identity: the password changed during each attempt: %w", ErrConflict)
}

func (s *Service) refuseLogin(ctx context.Context, l *login, user User, found bool) error {
	r := l.request
	sc := scope{tenant: r.Tenant, client: Client{ID: r.ClientID}}
	event, err := s.trail.event(l.at, audit.LoginRefused, sc, Caller{Address: r.Address, Device: r.Device}, "", l.number)
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
	if err := s.trail.record(ctx, s.store, event); err != nil {
		return err
	}
	return ErrWrongCredentials
}

// rehash replaces a hash that is not of the configured kind. If it cannot, the login
// succeeds anyway.
func (s *Service) rehash(ctx context.Context, u User, password Secret) User {
	if s.cfg.KeepHashes || s.passwords.current(u.PasswordHash) || truncates(u.PasswordHash, password) || s.passwords.accepts(password) != nil {
		return u
	}
	phc, err := s.passwords.create(ctx, password)
	if err == nil {
		callCtx, cancel := s.deadline(ctx)
		defer cancel()
		err = s.people.ReplacePassword(callCtx, PasswordChange{Tenant: u.Tenant, UserID: u.ID, OldHash: u.PasswordHash, NewHash: phc})
	}
	if errors.Is(err, ErrConflict) {
		return u // the hash was changed meanwhile, and the other one is newer
	}
	if err == nil {
		err = s.trail.record(ctx, s.store, audit.Event{At: s.now(), Type: audit.PasswordRehash, Tenant: u.Tenant, UserID: u.ID})
	}
	if err != nil {
		s.log.once(ctx, "password not rehashed", "user", u.ID, "error", err)
		return u
	}
	u.PasswordHash = phc
	return u
}
