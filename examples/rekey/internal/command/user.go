package command

import (
	"context"
	"errors"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
)

// who names a user.
type who struct{ mobile, tenant string }

func (w *who) flags(f *settings.Set) {
	f.Text(&w.mobile, "mobile", "`NUMBER` of the user; without country code: of -default-region; required")
	f.Text(&w.tenant, "tenant", "`TENANT` of the user; default none")
}

func (w *who) check() error {
	if w.mobile == "" {
		return settings.Usagef("-mobile is missing")
	}
	return nil
}

func userAdd(f *settings.Set) action {
	var d database.Database
	var w who
	c := settings.Defaults()
	d.Flags(f)
	w.flags(f)
	var id string
	var unverified bool
	f.Text(&id, "id", "`ID` of the user, at most 64 bytes; default: a new UUID")
	f.Bool(&unverified, "unverified", "it is not proven that the user holds the number, so it cannot reset the password")
	f.Numbers(&c)
	f.Passwords(&c)
	f.Hash(&c)
	return func(ctx context.Context, std Streams) error {
		if err := w.check(); err != nil {
			return err
		}
		password, err := readPassword(ctx, std, true)
		if err != nil {
			return err
		}
		return withService(ctx, f, &d, c, std, func(s *identity.Service) error {
			user, err := s.CreateUser(ctx, identity.NewUser{
				ID: id, Tenant: w.tenant, Mobile: w.mobile, Password: password, Unverified: unverified,
			})
			if errors.Is(err, identity.ErrAlreadyExists) {
				return errors.New("there is already a user with this number or id")
			}
			if err != nil {
				return settings.Mobile(err, w.mobile, c)
			}
			return say(std, "user %s added", user.ID)
		})
	}
}

func userCheck(f *settings.Set) action {
	var d database.Database
	var w who
	c := settings.Defaults()
	d.Flags(f)
	w.flags(f)
	f.Numbers(&c)
	f.Hash(&c)
	f.Logins(&c)
	return func(ctx context.Context, std Streams) error {
		if err := errors.Join(w.check(), d.MustExist()); err != nil {
			return err
		}
		password, err := readPassword(ctx, std, false)
		if err != nil {
			return err
		}
		return withService(ctx, f, &d, c, std, func(s *identity.Service) error {
			_, err := s.Authenticate(ctx, identity.LoginRequest{Tenant: w.tenant, Mobile: w.mobile, Password: password})
			if err != nil {
				return settings.Mobile(err, w.mobile, c)
			}
			return say(std, "the password is right")
		})
	}
}

func userUnlock(f *settings.Set) action {
	var d database.Database
	var w who
	c := settings.Defaults()
	d.Flags(f)
	w.flags(f)
	f.Numbers(&c)
	return func(ctx context.Context, std Streams) error {
		if err := errors.Join(w.check(), d.MustExist()); err != nil {
			return err
		}
		return withService(ctx, f, &d, c, std, func(s *identity.Service) error {
			if err := s.Unlock(ctx, w.tenant, w.mobile); err != nil {
				return settings.Mobile(err, w.mobile, c)
			}
			return say(std, "the number is not locked")
		})
	}
}

func userSwitch(disabled bool) func(*settings.Set) action {
	return func(f *settings.Set) action {
		var d database.Database
		var w who
		c := settings.Defaults()
		d.Flags(f)
		w.flags(f)
		f.Numbers(&c)
		return func(ctx context.Context, std Streams) error {
			if err := errors.Join(w.check(), d.MustExist()); err != nil {
				return err
			}
			return withService(ctx, f, &d, c, std, func(s *identity.Service) error {
				user, err := s.UserByMobile(ctx, w.tenant, w.mobile)
				if err == nil {
					err = s.UpdateUser(ctx, identity.UserChange{Tenant: user.Tenant, ID: user.ID, Disabled: &disabled})
				}
				if errors.Is(err, identity.ErrNotFound) {
					return errors.New("there is no user with this number")
				}
				if err != nil {
					return settings.Mobile(err, w.mobile, c)
				}
				return say(std, "user %s %s", user.ID, switched(disabled))
			})
		}
	}
}
