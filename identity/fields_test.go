package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// The error names each wrong field and its type, and nothing is stored.
func TestWrongFieldsAreNamed(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	newUser := func(n identity.NewUser) error {
		n.Mobile = number
		if n.Password.Empty() && n.PasswordHash.Empty() {
			n.Password = identity.NewSecret(newPassword)
		}
		_, err := f.CreateUser(t.Context(), n)
		return err
	}
	client := func(c identity.Client) error {
		if c.ID == "" {
			c.ID = "client"
		}
		return f.RegisterClient(t.Context(), c)
	}
	hash := identity.NewSecret(bcryptHash)
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		err    error
		fields string
	}{
		"user id":           {newUser(identity.NewUser{ID: long}), "NewUser.ID"},
		"user id, control":  {newUser(identity.NewUser{ID: "a\x00"}), "NewUser.ID"},
		"tenant":            {newUser(identity.NewUser{Tenant: long}), "NewUser.Tenant"},
		"both":              {newUser(identity.NewUser{ID: long, Tenant: "\xff"}), "NewUser.ID NewUser.Tenant"},
		"hash and password": {newUser(identity.NewUser{Password: identity.NewSecret(newPassword), PasswordHash: hash}), "NewUser.PasswordHash"},
		"unknown hash":      {newUser(identity.NewUser{PasswordHash: identity.NewSecret("canary")}), "NewUser.PasswordHash"},
		"client id":         {client(identity.Client{ID: " a"}), "Client.ID"},
		"client name":       {client(identity.Client{Name: long}), "Client.Name"},
		"client tenant":     {client(identity.Client{Tenant: "a "}), "Client.Tenant"},
		"client tenants":    {client(identity.Client{MultiTenant: true, Tenants: []string{"a", " b", long}}), "Client.Tenants Client.Tenants"},
		"one of many":       {client(identity.Client{MultiTenant: true, Tenant: "a"}), "Client.Tenant"},
		"many of one":       {client(identity.Client{Tenants: []string{"a"}}), "Client.Tenants"},
	} {
		var named []string
		faults := []error{c.err}
		if joined, ok := c.err.(interface{ Unwrap() []error }); ok {
			faults = joined.Unwrap()
		}
		for _, err := range faults {
			e, ok := errors.AsType[*identity.FieldError](err)
			if !ok || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: %v", name, err)
				continue
			}
			named = append(named, e.Of+"."+e.Field)
		}
		if got := strings.Join(named, " "); got != c.fields {
			t.Errorf("%s: names %q, want %q", name, got, c.fields)
		}
	}
	if users, err := f.Users(t.Context(), "", "", 10); err != nil || len(users) != 0 {
		t.Errorf("%d users were stored, %v", len(users), err)
	}
}
