package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
)

func clientAdd(f *settings.Set) action {
	var d database.Database
	var client identity.Client
	var tenants []string
	d.Flags(f)
	f.Text(&client.ID, "id", "`CLIENTID` as callers send it in X-client-id, at most 128 bytes; required")
	f.Text(&client.Name, "name", "`NAME` for people; default none")
	f.Bool(&client.MultiTenant, "isv", "a multi-tenant application, for which X-tenant-id picks the tenant")
	settings.List(f, &tenants, "tenant", settings.ParseWord, "`TENANT` that the application serves; with -isv an allow list, comma-separated or repeated, default all")
	return func(ctx context.Context, std Streams) error {
		switch {
		case client.ID == "":
			return settings.Usagef("-id is missing")
		case client.MultiTenant:
			client.Tenants = tenants
		case len(tenants) > 1:
			return settings.Usagef("several tenants are for a multi-tenant application, -isv")
		case len(tenants) == 1:
			client.Tenant = tenants[0]
		}
		return withService(ctx, f, &d, identity.Config{}, std, func(s *identity.Service) error {
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

func clientSwitch(disabled bool) func(*settings.Set) action {
	return func(f *settings.Set) action {
		var d database.Database
		d.Flags(f)
		var id string
		f.Text(&id, "id", "`CLIENTID` of the application; required")
		return func(ctx context.Context, std Streams) error {
			if id == "" {
				return settings.Usagef("-id is missing")
			}
			if err := d.MustExist(); err != nil {
				return err
			}
			return withService(ctx, f, &d, identity.Config{}, std, func(s *identity.Service) error {
				err := s.SetClientDisabled(ctx, id, disabled)
				if errors.Is(err, identity.ErrNotFound) {
					return fmt.Errorf("client %q is not registered", id)
				}
				if err != nil {
					return err
				}
				return say(std, "client %s %s", id, switched(disabled))
			})
		}
	}
}

func switched(disabled bool) string {
	if disabled {
		return "disabled"
	}
	return "enabled"
}
