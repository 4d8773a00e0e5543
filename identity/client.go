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

// Client is a registered application. Only registered applications may call the routes.
type Client struct {
	ID   string // at most 128 bytes, exact
	Name string // for people; may be empty
	// Tenant is the tenant that the client serves. The X-tenant-id header is only compared
	// with it, never believed: a header that names another tenant gets the same answers as
	// an unknown number. If Tenant is empty, the deployment has no tenants, and the header
	// is ignored.
	Tenant string
	// MultiTenant marks an application of several tenants, which the documents of the API
	// call an ISV application. The header is then mandatory and selects the tenant, among
	// Tenants if that is not empty.
	MultiTenant bool
	// Tenants is the allow list of a multi-tenant client; empty allows every tenant.
	Tenants   []string
	Disabled  bool
	CreatedAt time.Time
}

// RegisterClient stores an application. CreatedAt is set by the service. Errors:
// [ErrClientMissing] for a blank id, [ErrAlreadyExists], a [*FieldError] for each field
// that is wrong, joined, and failures of storage.
func (s *Service) RegisterClient(ctx context.Context, c Client) error {
	if strings.TrimSpace(c.ID) == "" {
		return ErrClientMissing
	}
	faults := []error{unstorable("Client", "ID", c.ID, maxClientID), padded("ID", c.ID), unstorable("Client", "Name", c.Name, maxClaim),
		unstorable("Client", "Tenant", c.Tenant, maxTenant), padded("Tenant", c.Tenant)}
	for _, t := range c.Tenants {
		faults = append(faults, unstorable("Client", "Tenants", t, maxTenant), padded("Tenants", t))
	}
	if c.MultiTenant && c.Tenant != "" {
		faults = append(faults, &FieldError{Of: "Client", Field: "Tenant", Problem: "is for clients of one tenant: use Tenants"})
	}
	if !c.MultiTenant && len(c.Tenants) > 0 {
		faults = append(faults, &FieldError{Of: "Client", Field: "Tenants", Problem: "is for multi-tenant clients: use Tenant, or set MultiTenant"})
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	c.Tenants, c.CreatedAt = slices.Clone(c.Tenants), s.now()
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := s.store.CreateClient(callCtx, c); err != nil {
		return fmt.Errorf("identity: register client %q: %w", c.ID, err)
	}
	return s.trail.record(ctx, s.store, audit.Event{At: c.CreatedAt, Type: audit.ClientCreated, ClientID: c.ID, Tenant: c.Tenant})
}

// unstorable is the fault of a text that a store may not keep as it is; nil if it may.
func unstorable(of, field, text string, longest int) error {
	if storable(text, longest) {
		return nil
	}
	if len(text) > longest {
		return &FieldError{Of: of, Field: field, Problem: fmt.Sprintf("has %d bytes, may have %d", len(text), longest)}
	}
	return &FieldError{Of: of, Field: field, Problem: "contains control characters or invalid UTF-8"}
}

// padded is the fault of a text with white space around it; nil if it has none.
func padded(field, text string) error {
	if text == strings.TrimSpace(text) {
		return nil
	}
	return &FieldError{Of: "Client", Field: field, Problem: "has white space around it"}
}

// Client returns a registered application. Errors: [ErrNotFound], and failures
// of storage.
func (s *Service) Client(ctx context.Context, id string) (Client, error) {
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	return s.store.ClientByID(callCtx, id)
}

// SetClientDisabled turns an application off or on. Errors: [ErrNotFound], and
// failures of storage.
func (s *Service) SetClientDisabled(ctx context.Context, id string, disabled bool) error {
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := s.store.SetClientDisabled(callCtx, id, disabled); err != nil {
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
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	return s.store.ListClients(callCtx, afterID, max)
}

// DeleteClient removes an application. Its calls are refused from then on.
// Errors: [ErrNotFound], and failures of storage.
func (s *Service) DeleteClient(ctx context.Context, id string) error {
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := s.store.DeleteClient(callCtx, id); err != nil {
		return fmt.Errorf("identity: delete client %q: %w", id, err)
	}
	return s.trail.record(ctx, s.store, audit.Event{At: s.now(), Type: audit.ClientDeleted, ClientID: id})
}
