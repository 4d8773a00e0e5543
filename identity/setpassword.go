package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// VerifyPassword checks the password of a user whom the application found in its own
// way, such as by e-mail address. It uses only u.Tenant and u.ID, and reads the user
// again. If the application found no user, pass the zero User, and what was typed as
// r.Mobile: then a login without an account costs the same work and gets the same
// answers after the same number of tries. r.Tenant is the tenant.
//
// Failed logins count together with those of the user's number, so that two ways to
// sign in are not twice as many guesses. Otherwise it is [Service.Authenticate].
//
// Errors: those of Authenticate.
func (s *Service) VerifyPassword(ctx context.Context, u User, r LoginRequest) (User, error) {
	start := time.Now()
	user, err := s.verifyPassword(ctx, u, r)
	if errors.Is(err, ErrWrongCredentials) {
		s.level(ctx, start)
	}
	return user, err
}

func (s *Service) verifyPassword(ctx context.Context, u User, r LoginRequest) (User, error) {
	if !storable(r.Tenant, maxTenant) || u.Tenant != r.Tenant && u.ID != "" {
		u = User{}
	}
	place, err := s.passwords.reserveHash(ctx)
	if err != nil {
		return User{}, err
	}
	defer place.leave()
	l, err := s.loginOf(ctx, u, r)
	if err != nil {
		return User{}, err
	}
	user, err := s.signIn(ctx, l)
	if err != nil {
		return User{}, err
	}
	return s.rehash(ctx, user, l.password), nil
}

// loginOf returns the login of a user by id; without a user if the id is empty.
func (s *Service) loginOf(ctx context.Context, u User, r LoginRequest) (*login, error) {
	find := func(ctx context.Context) (User, bool, error) { return s.userByID(ctx, u) }
	user, found, err := find(ctx)
	if err != nil {
		return nil, err
	}
	l := &login{request: r, find: find, account: "typed " + strings.ToLower(strings.TrimSpace(r.Mobile))}
	if found {
		l.account = accountOf(user)
		l.number, _ = mobile.FromE164(user.Mobile) // zero for a user without one
	}
	return l, nil
}

// accountOf returns the name by which limits count a user without a number.
func accountOf(u User) string { return "user " + u.ID }

// userByID reads the present state of a user. If [Config.Users] cannot read by id, it
// reads by number; without a number it uses what the application passed.
func (s *Service) userByID(ctx context.Context, u User) (user User, found bool, err error) {
	if u.ID == "" {
		return User{}, false, nil
	}
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	switch d, err := s.directory(); {
	case err == nil:
		user, err = d.UserByID(ctx, u.Tenant, u.ID)
		if errors.Is(err, ErrNotFound) {
			return User{}, false, nil
		}
		if err != nil {
			return User{}, false, fmt.Errorf("identity: find user: %w", err)
		}
		return user, true, nil
	case u.Mobile != "":
		user, err = s.people.UserByMobile(ctx, u.Tenant, u.Mobile)
		if errors.Is(err, ErrNotFound) || err == nil && user.ID != u.ID {
			return User{}, false, nil
		}
		if err != nil {
			return User{}, false, fmt.Errorf("identity: find user: %w", err)
		}
		return user, true, nil
	}
	return u, true, nil
}

// ChangePasswordRequest sets a new password with the old one.
type ChangePasswordRequest struct {
	Tenant, UserID string // trusted: the application knows who is signed in
	Old, New       Secret
	// Address, ClientID and Device as in [LoginRequest].
	Address          netip.Addr
	ClientID, Device string
	Language         string // of the notice, BCP 47
}

// ChangePassword sets a new password for a signed-in user who knows the old one. The
// old one is checked with the limits of a login, the new one by the rules and the
// history. The user gets the notice that a reset sends, live codes end, and
// Config.OnPasswordReset is called. It should end the sessions that are older than
// [PasswordResetEvent].ChangedAt; the application gives the present session a new id
// and time. The audit event is [audit.PasswordSet].
//
// The password and the event are written in two transactions: a crash in between
// leaves the new password without a notice.
//
// Errors: [*PasswordError], [ErrWrongCredentials] for a wrong old password and a
// user who is not there or disabled, [ErrConflict] if the password changed
// meanwhile, [*RateLimitedError], [*BusyError], [ErrUnsupported] if [Config.Users]
// does not implement [Directory]; anything else is a failure of storage.
func (s *Service) ChangePassword(ctx context.Context, r ChangePasswordRequest) (User, error) {
	if _, err := s.directory(); err != nil {
		return User{}, err
	}
	place, err := s.passwords.reserveHash(ctx)
	if err != nil {
		return User{}, err
	}
	defer place.leave()
	login := LoginRequest{Tenant: r.Tenant, Password: r.Old, Address: r.Address, ClientID: r.ClientID, Device: r.Device}
	l, err := s.loginOf(ctx, User{Tenant: r.Tenant, ID: r.UserID}, login)
	if err != nil {
		return User{}, err
	}
	password := normalize(r.New)
	g := &guess{
		caller: Caller{ClientID: r.ClientID, Device: r.Device, Address: r.Address, Language: r.Language},
		scope:  scope{tenant: r.Tenant, client: Client{ID: r.ClientID}}, number: l.number,
	}
	if err := s.acceptPassword(ctx, place, g, password); err != nil {
		return User{}, err
	}
	if g.user, err = s.signIn(ctx, l); err != nil {
		return User{}, err
	}
	if err := s.checkHistory(ctx, g, password); err != nil {
		return User{}, err
	}
	return s.setPassword(ctx, g, password, "by the user")
}

// SetPassword sets a new password for a user, as an operator does. It needs no code
// and no old password: call it for operators only. The rules apply. The notice, the
// end of codes and the call of Config.OnPasswordReset are those of ChangePassword.
//
// Errors: [*PasswordError], [ErrNotFound], [ErrConflict] if the password changed
// meanwhile, [*BusyError], [ErrUnsupported] if [Config.Users] does not implement
// [Directory]; anything else is a failure of storage.
func (s *Service) SetPassword(ctx context.Context, tenant, userID string, password Secret) (User, error) {
	if _, err := s.directory(); err != nil {
		return User{}, err
	}
	place, err := s.passwords.reserveHash(ctx)
	if err != nil {
		return User{}, err
	}
	defer place.leave()
	user, found, err := s.userByID(ctx, User{Tenant: tenant, ID: userID})
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return User{}, err
	}
	g := &guess{scope: scope{tenant: tenant}, user: user}
	g.number, _ = mobile.FromE164(user.Mobile) // zero for a user without one
	password = normalize(password)
	if err := s.passwords.accept(ctx, place, password, g.number); err != nil {
		return User{}, err
	}
	return s.setPassword(ctx, g, password, "by an operator")
}

// setPassword hashes and stores a password that was accepted, and queues the messages
// about it. The
// caller has reserved a hash.
func (s *Service) setPassword(ctx context.Context, g *guess, password Secret, by string) (User, error) {
	phc, err := s.passwords.create(ctx, password)
	if err != nil {
		return User{}, err
	}
	now := s.now()
	changed := now
	if !changed.After(g.user.PasswordChangedAt) {
		changed = g.user.PasswordChangedAt.Add(time.Millisecond)
	}
	event, err := s.trail.event(now, audit.PasswordSet, g.scope, g.caller, "", g.number)
	if err != nil {
		return User{}, err
	}
	event.UserID, event.Outcome = g.user.ID, by
	messages, err := s.setMessages(g, event, now, changed)
	if err != nil {
		return User{}, err
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := s.people.ReplacePassword(callCtx, PasswordChange{
		Tenant: g.user.Tenant, UserID: g.user.ID, OldHash: g.user.PasswordHash, NewHash: phc, ChangedAt: changed, KeepHistory: s.cfg.Password.History,
	}); err != nil {
		return User{}, fmt.Errorf("identity: set password: %w", err)
	}
	asideCtx, stop := s.aside(ctx)
	defer stop()
	if err := s.store.AppendEvent(asideCtx, event, messages); err != nil {
		return User{}, fmt.Errorf("identity: the password is set, but its notice and event are not stored: %w", err)
	}
	s.announce(Redemption{Event: event}, "")
	g.user.PasswordHash, g.user.PasswordChangedAt = phc, changed
	return g.user, nil
}

// setMessages are the notice, the call of OnPasswordReset, and that of OnEvent.
func (s *Service) setMessages(g *guess, event audit.Event, now, changed time.Time) ([]outbox.Message, error) {
	var messages []outbox.Message
	if !g.number.IsZero() {
		lang := s.writer.language(g.caller.Language)
		params := map[string]string{"time": changed.Format(noticeTime)}
		notice, err := s.relay.message(outbox.LaneNotice, now, now.Add(s.cfg.NoticeLifetime), delivery{
			Kind: deliverNotice, To: g.number.E164(), SMSKind: sms.KindPasswordChanged, Tenant: g.scope.tenant, Language: lang,
			Params: params, Text: s.writer.passwordChanged(lang, params), Caller: &Caller{ClientID: g.scope.client.ID},
		})
		if err != nil {
			return nil, err
		}
		messages = append(messages, notice)
	}
	if s.cfg.OnPasswordReset != nil {
		id, err := s.ids.next()
		if err != nil {
			return nil, err
		}
		hook, err := s.relay.seal(id, outbox.LaneEvent, now, now.Add(s.cfg.EventLifetime), delivery{
			Kind: deliverReset, Reset: &PasswordResetEvent{ID: id, Tenant: g.user.Tenant, UserID: g.user.ID, ChangedAt: changed},
		})
		if err != nil {
			return nil, err
		}
		messages = append(messages, hook)
	}
	more, err := s.trail.messages(event)
	return append(messages, more...), err
}
