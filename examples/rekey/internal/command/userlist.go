package command

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/mobile"
)

// userLine is a user without the password's hash.
type userLine struct {
	ID                string    `json:"id"`
	Tenant            string    `json:"tenant,omitempty"`
	Mobile            string    `json:"mobile"`
	VerifiedAt        time.Time `json:"verified_at,omitzero"`
	HashScheme        string    `json:"hash_scheme,omitempty"` // empty: no password is set
	PasswordChangedAt time.Time `json:"password_changed_at,omitzero"`
	Disabled          bool      `json:"disabled"`
	CreatedAt         time.Time `json:"created_at,omitzero"`
}

var userHeads = []string{"ID", "TENANT", "MOBILE", "VERIFIED", "PASSWORD", "CHANGED", "DISABLED", "CREATED"}

func (l userLine) cells() []string {
	return []string{l.ID, orDash(l.Tenant), l.Mobile, yesNo(!l.VerifiedAt.IsZero()), orDash(l.HashScheme), timeCell(l.PasswordChangedAt), yesNo(l.Disabled), timeCell(l.CreatedAt)}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// userFormat is the format in which users are printed.
type userFormat struct {
	format
	numbers bool
}

func (o *userFormat) flags(f *settings.Set) {
	o.flag(f)
	f.Bool(&o.numbers, "show-numbers", "print whole numbers instead of masked ones such as +86*******8901")
}

func (o *userFormat) line(u identity.User) row {
	if !o.numbers {
		u.Mobile = mobile.Mask(u.Mobile)
	}
	scheme, _ := identity.HashScheme(u.PasswordHash)
	return userLine{
		ID: u.ID, Tenant: u.Tenant, Mobile: u.Mobile, VerifiedAt: u.VerifiedAt, HashScheme: scheme,
		PasswordChangedAt: u.PasswordChangedAt, Disabled: u.Disabled, CreatedAt: u.CreatedAt,
	}
}

func userList(f *settings.Set) action {
	var d database.Database
	var tenant string
	var out userFormat
	d.AddressFlag(f)
	f.Text(&tenant, "tenant", "`TENANT` whose users are listed; default: users without a tenant")
	out.flags(f)
	return func(ctx context.Context, std Streams) error {
		if err := out.check(); err != nil {
			return err
		}
		return onStore(ctx, &d, func(s database.Store) error {
			return eachPage("", func(after string) (rows []row, last string, err error) {
				users, err := s.ListUsers(ctx, tenant, after, page)
				for _, u := range users {
					last = u.ID
					rows = append(rows, out.line(u))
				}
				return rows, last, err
			}, out.printer(std.Out, userHeads...))
		})
	}
}

func userShow(f *settings.Set) action {
	a := newAccount(f, (*operator).readFlags)
	var out userFormat
	out.flags(f)
	return func(ctx context.Context, std Streams) error {
		if err := a.check(); err != nil {
			return err
		}
		if err := out.check(); err != nil {
			return err
		}
		if err := settings.Check(a.config); err != nil {
			return err
		}
		number := ""
		if a.id == "" {
			var err error
			if number, err = mobile.Read(a.mobile, a.config.DefaultRegion); err != nil {
				return settings.Mobile(err, a.mobile, a.config)
			}
		}
		return onStore(ctx, &a.db, func(s database.Store) error {
			user, err := a.find(ctx, s, number)
			if err != nil {
				return err
			}
			return out.printer(std.Out, userHeads...)([]row{out.line(user)})
		})
	}
}
