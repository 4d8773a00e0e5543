package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-16109ab2/rekey/identity"
)

func clientAdd(f *flags) action {
	var d database
	var client identity.Client
	var tenants []string
	d.flags(f)
	f.StringVar(&client.ID, "id", "", "`CLIENTID` as callers send it in X-client-id, at most 128 bytes; required")
	f.StringVar(&client.Name, "name", "", "`NAME` for people; default none")
	f.BoolVar(&client.MultiTenant, "isv", false, "a multi-tenant application, for which X-tenant-id picks the tenant")
	list(f, &tenants, "tenant", parseWord, "`TENANT` that the application serves; with -isv an allow list, comma-separated or repeated, default all")
	return func(ctx context.Context, std streams) error {
		switch {
		case client.ID == "":
			return usagef("-id is missing")
		case client.MultiTenant:
			client.Tenants = tenants
		case len(tenants) > 1:
			return usagef("several tenants are for a multi-tenant application, -isv")
		case len(tenants) == 1:
			client.Tenant = tenants[0]
		}
		return d.withService(ctx, identity.Config{}, func(s *identity.Service) error {
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

func clientSwitch(disabled bool) func(*flags) action {
	return func(f *flags) action {
		var d database
		d.flags(f)
		id := f.String("id", "", "`CLIENTID` of the application; required")
		return func(ctx context.Context, std streams) error {
			if *id == "" {
				return usagef("-id is missing")
			}
			if err := d.mustExist(); err != nil {
				return err
			}
			return d.withService(ctx, identity.Config{}, func(s *identity.Service) error {
				err := s.SetClientDisabled(ctx, *id, disabled)
				if errors.Is(err, identity.ErrNotFound) {
					return fmt.Errorf("client %q is not registered", *id)
				}
				if err != nil {
					return err
				}
				return say(std, "client %s %s", *id, switched(disabled))
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

func say(std streams, format string, args ...any) error {
	_, err := fmt.Fprintf(std.out, format+"\n", args...)
	return err
}
