package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
)

// scope is the client of a call and the tenant that the call acts for.
type scope struct {
	client Client
	tenant string
	// foreign says that the client does not serve the tenant it names. The call
	// goes on as if the tenant had no users.
	foreign bool
}

func (s *Service) scope(ctx context.Context, c Caller) (scope, error) {
	id := strings.TrimSpace(c.ClientID)
	if id == "" {
		return scope{}, ErrClientMissing
	}
	if strings.TrimSpace(c.Device) == "" {
		return scope{}, ErrDeviceMissing
	}
	if !storable(c.ClientID, maxClientID) {
		return scope{}, ErrClientNotFound
	}
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	client, err := s.store.ClientByID(ctx, c.ClientID)
	switch {
	case errors.Is(err, ErrNotFound):
		return scope{}, ErrClientNotFound
	case err != nil:
		return scope{}, fmt.Errorf("identity: find client: %w", err)
	case client.Disabled:
		return scope{}, ErrClientDisabled
	}
	sc := scope{client: client, tenant: client.Tenant}
	named := strings.TrimSpace(c.TenantID)
	if client.MultiTenant {
		if named == "" {
			return scope{}, ErrTenantMissing
		}
		sc.tenant = named
		sc.foreign = len(client.Tenants) > 0 && !slices.Contains(client.Tenants, named)
	} else if client.Tenant != "" && named != "" && named != client.Tenant {
		sc.tenant, sc.foreign = named, true
	}
	if !storable(sc.tenant, maxTenant) {
		sc.tenant, sc.foreign = "", true
	}
	return sc, nil
}

// Lengths in bytes that storage keeps.
const (
	maxUserID   = 64
	maxClientID = 128
	maxTenant   = 128
	maxClaim    = 256
)

// storable reports whether every database keeps the string as it is.
func storable(s string, longest int) bool {
	return len(s) <= longest && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// claim shortens what a caller says about itself to what the audit trail keeps.
func claim(s string) string { return clip(s, maxClaim) }

func clip(s string, longest int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "")
}

// user finds the user of a number; found is false for a number without a user.
func (s *Service) user(ctx context.Context, tenant string, number mobile.Number) (u User, found bool, err error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	u, err = s.people.UserByMobile(ctx, tenant, number.E164())
	if errors.Is(err, ErrNotFound) {
		return User{}, false, nil
	}
	if err != nil {
		return User{}, false, fmt.Errorf("identity: find user: %w", err)
	}
	return u, true, nil
}

// Reasons in the audit trail.
const (
	outcomeSent        = "queued"
	outcomeNoUser      = "no such user"
	outcomeTaken       = "number has a user"
	outcomeTakenNotice = "number has a user: notice queued"
	outcomeDisabled    = "user disabled"
	outcomeUnverified  = "number not verified"
	outcomeForeign     = "client does not serve the tenant"
	outcomeNoCode      = "no live code"
	outcomeWrongCode   = "wrong code"
	outcomeRaced       = "code, user or client changed meanwhile"
	outcomeWrongSecret = "wrong password"
)

// ineligible says why no code for the purpose may be sent to a number, or
// redeemed; empty if it may.
func ineligible(sc scope, p Purpose, u User, found bool) string {
	if sc.foreign {
		return outcomeForeign
	}
	if p.wantsFreeNumber() {
		if found {
			return outcomeTaken
		}
		return ""
	}
	switch {
	case !found:
		return outcomeNoUser
	case u.Disabled:
		return outcomeDisabled
	case u.VerifiedAt.IsZero():
		return outcomeUnverified
	}
	return ""
}
