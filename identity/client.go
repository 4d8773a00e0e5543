package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
)

// Client is a registered application: who may call the routes at all.
type Client struct {
	ID   string // at most 128 bytes, exact
	Name string // for people; may be empty
	// Tenant is the tenant that the client serves. The X-tenant-id header is
	// only compared with it, never believed: a header naming another tenant gets
	// the same answers as an unknown number. With an empty Tenant the deployment
	// has no tenants, and the header has no meaning.
	Tenant string
	// MultiTenant marks an application of several tenants, an ISV application in the
	// documents of the API: the header is mandatory and picks the tenant, among Tenants
	// if that is not empty.
	MultiTenant bool
	// Tenants is the allow list of a multi-tenant client; empty allows every tenant.
	Tenants   []string
	Disabled  bool
	CreatedAt time.Time
}

// RegisterClient stores an application. CreatedAt is set by the service. Errors:
// [ErrClientMissing] for a blank id, [ErrAlreadyExists], an error naming the
// field that is too long or has control characters, and failures of storage.
func (s *Service) RegisterClient(ctx context.Context, c Client) error {
	if strings.TrimSpace(c.ID) == "" {
		return ErrClientMissing
	}
	if c.ID != strings.TrimSpace(c.ID) || !storable(c.ID, maxClientID) {
		return errors.New("identity: client id with outer spaces, control characters or more than 128 bytes")
	}
	if !storable(c.Name, maxClaim) {
		return errors.New("identity: client name with control characters or more than 256 bytes")
	}
	for _, t := range append([]string{c.Tenant}, c.Tenants...) {
		if t != strings.TrimSpace(t) || !storable(t, maxTenant) {
			return errors.New("identity: tenant with outer spaces, control characters or more than 128 bytes")
		}
	}
	if c.MultiTenant && c.Tenant != "" || !c.MultiTenant && len(c.Tenants) > 0 {
		return errors.New("identity: Tenant is for clients of one tenant, Tenants for multi-tenant clients")
	}
	c.Tenants, c.CreatedAt = slices.Clone(c.Tenants), s.now()
	if err := s.store.CreateClient(ctx, c); err != nil {
		return fmt.Errorf("identity: register client %q: %w", c.ID, err)
	}
	return s.trail.record(ctx, s.store, audit.Event{At: c.CreatedAt, Type: audit.ClientCreated, ClientID: c.ID, Tenant: c.Tenant})
}

// Client returns a registered application. Errors: [ErrNotFound], and failures
// of storage.
func (s *Service) Client(ctx context.Context, id string) (Client, error) {
	return s.store.ClientByID(ctx, id)
}

// SetClientDisabled turns an application off or on. Errors: [ErrNotFound], and
// failures of storage.
func (s *Service) SetClientDisabled(ctx context.Context, id string, disabled bool) error {
	if err := s.store.SetClientDisabled(ctx, id, disabled); err != nil {
		return fmt.Errorf("identity: change client %q: %w", id, err)
	}
	return s.trail.record(ctx, s.store, audit.Event{At: s.now(), Type: audit.ClientChanged, ClientID: id})
}

// EnsureClient registers an application unless a client with its id exists. An
// existing client stays as it is. Errors: those of RegisterClient except
// [ErrAlreadyExists].
func (s *Service) EnsureClient(ctx context.Context, c Client) error {
	if err := s.RegisterClient(ctx, c); !errors.Is(err, ErrAlreadyExists) {
		return err
	}
	return nil
}

// Clients returns at most max registered applications after the one with the
// given id, by id; an empty id starts at the first. Errors: failures of storage.
func (s *Service) Clients(ctx context.Context, afterID string, max int) ([]Client, error) {
	return s.store.ListClients(ctx, afterID, max)
}

// DeleteClient removes an application: its calls are refused from then on.
// Errors: [ErrNotFound], and failures of storage.
func (s *Service) DeleteClient(ctx context.Context, id string) error {
	if err := s.store.DeleteClient(ctx, id); err != nil {
		return fmt.Errorf("identity: delete client %q: %w", id, err)
	}
	return s.trail.record(ctx, s.store, audit.Event{At: s.now(), Type: audit.ClientDeleted, ClientID: id})
}
