package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/term"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/server"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/mobile"
)

func userSwitch(disabled bool) func(*settings.Set) action {
	return func(f *settings.Set) action {
		a := newAccount(f, (*operator).changeFlags)
		return func(ctx context.Context, std Streams) error {
			return a.run(ctx, std, func(s *identity.Service, user identity.User) error {
				if err := s.UpdateUser(ctx, identity.UserChange{Tenant: user.Tenant, ID: user.ID, Disabled: &disabled}); err != nil {
					return err
				}
				return say(std, "user %s %s", user.ID, switched(disabled))
			})
		}
	}
}

func userSetMobile(f *settings.Set) action {
	a := newAccount(f, (*operator).changeFlags)
	var to string
	var verified bool
	f.Text(&to, "to", "new `NUMBER` of the user; without country code: of -default-region; required")
	f.Bool(&verified, "verified", "the user has proved to hold the new number, so it may reset the password; "+
		"without this flag it may not, because the number's holder could take over the account")
	return func(ctx context.Context, std Streams) error {
		if to == "" {
			return settings.Usagef("-to is missing")
		}
		return a.run(ctx, std, func(s *identity.Service, user identity.User) error {
			change := identity.UserChange{Tenant: user.Tenant, ID: user.ID, Mobile: &to}
			if verified {
				change.VerifiedAt = new(s.Now())
			}
			err := s.UpdateUser(ctx, change)
			if errors.Is(err, identity.ErrAlreadyExists) {
				return errors.New("another user has the new number")
			}
			if err != nil {
				return settings.Mobile(err, to, a.config)
			}
			if verified {
				return say(std, "user %s has the new number", user.ID)
			}
			return say(std, "user %s has the new number, which cannot reset the password until it is verified (-verified)", user.ID)
		})
	}
}

func userSetPassword(f *settings.Set) action {
	a := newAccount(f, (*operator).changeFlags)
	f.Passwords(&a.config)
	f.History(&a.config)
	f.Hash(&a.config)
	f.Notices(&a.config)
	var file server.TextsFile
	file.Flag(f)
	return func(ctx context.Context, std Streams) error {
		read, err := file.Read()
		if err != nil {
			return err
		}
		a.config.Texts = read.SMS
		return a.run(ctx, std, func(s *identity.Service, user identity.User) error {
			password, err := readPassword(ctx, std, true)
			if err != nil {
				return err
			}
			_, err = s.SetPassword(ctx, user.Tenant, user.ID, password)
			if errors.Is(err, identity.ErrConflict) {
				return errors.New("the user changed meanwhile, and keeps the password; try again")
			}
			if err != nil {
				return err
			}
			return say(std, "user %s has the new password; serve sends the notice of it", user.ID)
		})
	}
}

func userErase(f *settings.Set) action {
	a := newAccount(f, (*operator).changeFlags)
	var yes bool
	f.Bool(&yes, "yes", "erase without asking; required if standard input is not a terminal")
	return func(ctx context.Context, std Streams) error {
		asks := term.IsTerminal(int(std.In.Fd()))
		if !yes && !asks {
			return settings.Usagef("confirm with -yes that the user is to be erased: standard input is not a terminal on which to ask")
		}
		return a.run(ctx, std, func(s *identity.Service, user identity.User) error {
			if !yes {
				if err := confirm(ctx, std, fmt.Sprintf("Erase user %s (%s) for good?", user.ID, mobile.Mask(user.Mobile))); err != nil {
					return err
				}
			}
			if err := s.DeleteUser(ctx, user.Tenant, user.ID); err != nil {
				return err
			}
			return say(std, "user %s erased; the audit trail keeps only the id", user.ID)
		})
	}
}

// confirm asks on the terminal, and fails unless the answer is yes.
func confirm(ctx context.Context, std Streams, question string) error {
	_, _ = fmt.Fprintf(std.Err, "%s Type yes: ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(std.In).ReadString('\n') // no answer counts as no
		answer <- line
	}()
	select {
	case line := <-answer:
		if strings.EqualFold(strings.TrimSpace(line), "yes") {
			return nil
		}
		return errors.New("nothing was changed: the answer was not yes")
	case <-ctx.Done():
		_, _ = fmt.Fprintln(std.Err)
		return errors.New("nothing was changed: interrupted")
	}
}
