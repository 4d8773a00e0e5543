package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
)

// userFlags holds the flags of every command on users.
type userFlags struct {
	operator
	mobile string
	tenant string
}

func newUserFlags(f *settings.Set, flags func(*operator, *settings.Set)) *userFlags {
	u := &userFlags{}
	flags(&u.operator, f)
	f.Numbers(&u.config)
	f.Text(&u.tenant, "tenant", "`TENANT` of the user; default none")
	return u
}

// onNumber defines -mobile for a command that needs a number.
func onNumber(f *settings.Set) *userFlags {
	u := newUserFlags(f, (*operator).changeFlags)
	f.Text(&u.mobile, "mobile", "`NUMBER` of the user; without country code: of -default-region; required")
	return u
}

func (u *userFlags) check() error {
	if u.mobile == "" {
		return settings.Usagef("-mobile is missing")
	}
	return nil
}

func userAdd(f *settings.Set) action {
	u := onNumber(f)
	var id string
	var unverified bool
	f.Text(&id, "id", "`ID` of the user, at most 64 bytes; default: a new UUID")
	f.Bool(&unverified, "unverified", "the user has not proved to hold the number, so the number cannot reset the password")
	f.Passwords(&u.config)
	f.Hash(&u.config)
	return func(ctx context.Context, std Streams) error {
		if err := u.check(); err != nil {
			return err
		}
		password, err := readPassword(ctx, std, true)
		if err != nil {
			return err
		}
		return u.withService(ctx, std, func(s *identity.Service) error {
			user, err := s.CreateUser(ctx, identity.NewUser{
				ID: id, Tenant: u.tenant, Mobile: u.mobile, Password: password, Verified: !unverified,
			})
			if errors.Is(err, identity.ErrAlreadyExists) {
				return errors.New("there is already a user with this number or id")
			}
			if err != nil {
				return settings.Mobile(err, u.mobile, u.config)
			}
			return say(std, "user %s added", user.ID)
		})
	}
}

func userCheck(f *settings.Set) action {
	u := onNumber(f)
	f.Hash(&u.config)
	f.Logins(&u.config)
	return func(ctx context.Context, std Streams) error {
		if err := errors.Join(u.check(), u.db.MustExist()); err != nil {
			return err
		}
		password, err := readPassword(ctx, std, false)
		if err != nil {
			return err
		}
		return u.withService(ctx, std, func(s *identity.Service) error {
			_, err := s.Authenticate(ctx, identity.LoginRequest{Tenant: u.tenant, Mobile: u.mobile, Password: password})
			if err != nil {
				return settings.Mobile(err, u.mobile, u.config)
			}
			return say(std, "the password is right")
		})
	}
}

func userUnlock(f *settings.Set) action {
	u := onNumber(f)
	return func(ctx context.Context, std Streams) error {
		if err := errors.Join(u.check(), u.db.MustExist()); err != nil {
			return err
		}
		return u.withService(ctx, std, func(s *identity.Service) error {
			if err := s.Unlock(ctx, u.tenant, u.mobile); err != nil {
				return settings.Mobile(err, u.mobile, u.config)
			}
			return say(std, "the number is not locked")
		})
	}
}

// account selects an existing user, by number or by id.
type account struct {
	*userFlags
	id string
}

func newAccount(f *settings.Set, flags func(*operator, *settings.Set)) *account {
	a := &account{userFlags: newUserFlags(f, flags)}
	f.Text(&a.mobile, "mobile", "`NUMBER` of the user; without country code: of -default-region; it or -id is required")
	f.Text(&a.id, "id", "`ID` of the user")
	return a
}

func (a *account) check() error {
	if (a.mobile == "") == (a.id == "") {
		return settings.Usagef("give either -mobile or -id")
	}
	return nil
}

// directory finds users. It is a service, which reads numbers in any spelling, or a
// store, which reads only E.164.
type directory interface {
	UserByID(ctx context.Context, tenant, id string) (identity.User, error)
	UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error)
}

func (a *account) find(ctx context.Context, in directory, mobile string) (user identity.User, err error) {
	by := "id"
	if a.id != "" {
		user, err = in.UserByID(ctx, a.tenant, a.id)
	} else {
		by = "number"
		user, err = in.UserByMobile(ctx, a.tenant, mobile)
	}
	if !errors.Is(err, identity.ErrNotFound) {
		return user, settings.Mobile(err, a.mobile, a.config)
	}
	if a.tenant != "" {
		return user, fmt.Errorf("tenant %q has no user with this %s", a.tenant, by)
	}
	return user, fmt.Errorf("there is no user with this %s", by)
}

// run finds the user in an existing database and runs do on the user.
func (a *account) run(ctx context.Context, std Streams, do func(*identity.Service, identity.User) error) error {
	if err := errors.Join(a.check(), a.db.MustExist()); err != nil {
		return err
	}
	return a.withService(ctx, std, func(s *identity.Service) error {
		user, err := a.find(ctx, s, a.mobile)
		if err != nil {
			return err
		}
		return do(s, user)
	})
}
