package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
)

func clientAdd(f *settings.Set) action {
	var o operator
	var client identity.Client
	var tenants []string
	o.changeFlags(f)
	f.Text(&client.ID, "id", "`CLIENTID` as callers send it in X-client-id, at most 128 bytes; required")
	f.Text(&client.Name, "name", "`NAME` for people; default none")
	f.Bool(&client.MultiTenant, "isv", "a multi-tenant application, for which X-tenant-id picks the tenant")
	settings.List(f, &tenants, "tenant", settings.ParseWord, "`TENANT` that the application serves; with -isv an allow list, comma-separated or repeated, default all")
	return func(ctx context.Context, std Streams) error {
		switch {
		case client.ID == "":
			return errNoClientID
		case client.MultiTenant:
			client.Tenants = tenants
		case len(tenants) > 1:
			return settings.Usagef("several tenants are for a multi-tenant application, -isv")
		case len(tenants) == 1:
			client.Tenant = tenants[0]
		}
		return o.withService(ctx, std, func(s *identity.Service) error {
			err := s.RegisterClient(ctx, client)
			if errors.Is(err, identity.ErrAlreadyExists) {
				return fmt.Errorf("client %q is already registered", client.ID)
			}
			if err != nil {
				return err
			}
			return say(std, "client %s registered", client.ID)
		})
	}
}

var errNoClientID = settings.Usagef("-id is missing")

// unregistered explains that the client is not registered.
func unregistered(err error, id string) error {
	if errors.Is(err, identity.ErrNotFound) {
		return fmt.Errorf("client %q is not registered", id)
	}
	return err
}

// onClient is a command that changes a registered client.
func onClient(f *settings.Set, done string, do func(ctx context.Context, s *identity.Service, id string) error) action {
	var o operator
	var id string
	o.changeFlags(f)
	f.Text(&id, "id", "`CLIENTID` of the application; required")
	return func(ctx context.Context, std Streams) error {
		if id == "" {
			return errNoClientID
		}
		if err := o.db.MustExist(); err != nil {
			return err
		}
		return o.withService(ctx, std, func(s *identity.Service) error {
			if err := unregistered(do(ctx, s, id), id); err != nil {
				return err
			}
			return say(std, "client %s %s", id, done)
		})
	}
}

func clientSwitch(disabled bool) func(*settings.Set) action {
	return func(f *settings.Set) action {
		return onClient(f, switched(disabled), func(ctx context.Context, s *identity.Service, id string) error {
			return s.SetClientDisabled(ctx, id, disabled)
		})
	}
}

func switched(disabled bool) string {
	if disabled {
		return "disabled"
	}
	return "enabled"
}

func clientRemove(f *settings.Set) action {
	return onClient(f, "removed", func(ctx context.Context, s *identity.Service, id string) error { return s.DeleteClient(ctx, id) })
}

type clientLine struct {
	ID          string    `json:"id"`
	Name        string    `json:"name,omitempty"`
	Tenant      string    `json:"tenant,omitempty"`
	MultiTenant bool      `json:"multi_tenant"`
	Tenants     []string  `json:"tenants,omitempty"` // empty for a multi-tenant application: all
	Disabled    bool      `json:"disabled"`
	CreatedAt   time.Time `json:"created_at"`
}

var clientHeads = []string{"ID", "NAME", "TENANTS", "DISABLED", "CREATED"}

func (l clientLine) cells() []string {
	tenants := orDash(l.Tenant)
	if l.MultiTenant {
		tenants = "all"
		if len(l.Tenants) > 0 {
			tenants = strings.Join(l.Tenants, ",")
		}
	}
	return []string{l.ID, orDash(l.Name), tenants, yesNo(l.Disabled), timeCell(l.CreatedAt)}
}

func lineOf(c identity.Client) row {
	return clientLine{ID: c.ID, Name: c.Name, Tenant: c.Tenant, MultiTenant: c.MultiTenant, Tenants: c.Tenants, Disabled: c.Disabled, CreatedAt: c.CreatedAt}
}

func clientList(f *settings.Set) action {
	var d database.Database
	var out format
	d.AddressFlag(f)
	out.flag(f)
	return func(ctx context.Context, std Streams) error {
		if err := out.check(); err != nil {
			return err
		}
		return onStore(ctx, &d, func(s database.Store) error {
			return eachPage("", func(after string) (rows []row, last string, err error) {
				clients, err := s.ListClients(ctx, after, page)
				for _, c := range clients {
					last = c.ID
					rows = append(rows, lineOf(c))
				}
				return rows, last, err
			}, out.printer(std.Out, clientHeads...))
		})
	}
}

func clientShow(f *settings.Set) action {
	var d database.Database
	var out format
	var id string
	d.AddressFlag(f)
	f.Text(&id, "id", "`CLIENTID` of the application; required")
	out.flag(f)
	return func(ctx context.Context, std Streams) error {
		if id == "" {
			return errNoClientID
		}
		if err := out.check(); err != nil {
			return err
		}
		return onStore(ctx, &d, func(s database.Store) error {
			client, err := s.ClientByID(ctx, id)
			if err != nil {
				return unregistered(err, id)
			}
			return out.printer(std.Out, clientHeads...)([]row{lineOf(client)})
		})
	}
}
