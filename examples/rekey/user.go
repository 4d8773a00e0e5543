package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/seed-16109ab2/rekey/identity"
)

// who names a user.
type who struct{ mobile, tenant string }

func (w *who) flags(f *flags) {
	f.StringVar(&w.mobile, "mobile", "", "`NUMBER` of the user; without country code: of -default-region; required")
	f.StringVar(&w.tenant, "tenant", "", "`TENANT` of the user; default none")
}

func (w *who) check() error {
	if w.mobile == "" {
		return usagef("-mobile is missing")
	}
	return nil
}

func userAdd(f *flags) action {
	var d database
	var w who
	var c identity.Config
	d.flags(f)
	w.flags(f)
	id := f.String("id", "", "`ID` of the user, at most 64 bytes; default: a new UUID")
	unverified := f.Bool("unverified", false, "nobody has proved to hold the number, so it cannot reset the password")
	numberFlags(f, &c)
	passwordFlags(f, &c)
	hashFlags(f, &c)
	return func(ctx context.Context, std streams) error {
		if err := w.check(); err != nil {
			return err
		}
		password, err := readPassword(std)
		if err != nil {
			return err
		}
		return d.withService(ctx, c, func(s *identity.Service) error {
			user, err := s.CreateUser(ctx, identity.NewUser{
				ID: *id, Tenant: w.tenant, Mobile: w.mobile, Password: password, Unverified: *unverified,
			})
			if errors.Is(err, identity.ErrAlreadyExists) {
				return errors.New("there is already a user with this number or id")
			}
			if err != nil {
				return err
			}
			return say(std, "user %s added", user.ID)
		})
	}
}

func userCheck(f *flags) action {
	var d database
	var w who
	var c identity.Config
	d.flags(f)
	w.flags(f)
	numberFlags(f, &c)
	hashFlags(f, &c)
	loginFlags(f, &c)
	return func(ctx context.Context, std streams) error {
		if err := errors.Join(w.check(), d.mustExist()); err != nil {
			return err
		}
		password, err := readPassword(std)
		if err != nil {
			return err
		}
		return d.withService(ctx, c, func(s *identity.Service) error {
			_, err := s.Authenticate(ctx, identity.LoginRequest{Tenant: w.tenant, Mobile: w.mobile, Password: password})
			if err != nil {
				return err
			}
			return say(std, "the password is right")
		})
	}
}

func userUnlock(f *flags) action {
	var d database
	var w who
	var c identity.Config
	d.flags(f)
	w.flags(f)
	numberFlags(f, &c)
	return func(ctx context.Context, std streams) error {
		if err := errors.Join(w.check(), d.mustExist()); err != nil {
			return err
		}
		return d.withService(ctx, c, func(s *identity.Service) error {
			if err := s.Unlock(ctx, w.tenant, w.mobile); err != nil {
				return err
			}
			return say(std, "the number is not locked")
		})
	}
}

func userSwitch(disabled bool) func(*flags) action {
	return func(f *flags) action {
		var d database
		var w who
		var c identity.Config
		d.flags(f)
		w.flags(f)
		numberFlags(f, &c)
		return func(ctx context.Context, std streams) error {
			if err := errors.Join(w.check(), d.mustExist()); err != nil {
				return err
			}
			return d.withService(ctx, c, func(s *identity.Service) error {
				user, err := s.UserByMobile(ctx, w.tenant, w.mobile)
				if err == nil {
					err = s.UpdateUser(ctx, identity.UserChange{Tenant: user.Tenant, ID: user.ID, Disabled: &disabled})
				}
				if errors.Is(err, identity.ErrNotFound) {
					return errors.New("there is no user with this number")
				}
				if err != nil {
					return err
				}
				return say(std, "user %s %s", user.ID, switched(disabled))
			})
		}
	}
}

// maxPassword is in bytes: room for the longest password that any policy allows.
const maxPassword = 4096

// readPassword reads one line, without its end and otherwise as it is.
func readPassword(std streams) (identity.Secret, error) {
	if info, err := std.in.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		_, _ = fmt.Fprintln(std.err, "Type the password and Enter; it shows while you type.")
	}
	var line []byte
	one := make([]byte, 1) // no further than the line: the rest is not ours
	for len(line) <= maxPassword {
		n, err := std.in.Read(one)
		if n == 1 && one[0] == '\n' || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return identity.Secret{}, fmt.Errorf("the password on standard input cannot be read: %w", err)
		}
		line = append(line, one[:n]...)
	}
	password := strings.TrimSuffix(string(line), "\r")
	switch {
	case password == "":
		return identity.Secret{}, usagef("there is no password on standard input")
	case len(password) > maxPassword:
		return identity.Secret{}, usagef("the password on standard input is longer than %d bytes", maxPassword)
	case !utf8.ValidString(password):
		return identity.Secret{}, usagef("the password on standard input is not UTF-8")
	}
	return identity.NewSecret(password), nil
}
