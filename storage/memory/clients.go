package memory

import (
	"context"
	"slices"

	"github.com/seed-16109ab2/rekey/identity"
)

// CreateClient implements [identity.Clients].
func (s *Store) CreateClient(ctx context.Context, c identity.Client) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if _, taken := s.clients[c.ID]; taken {
		return identity.ErrAlreadyExists
	}
	c.Tenants = slices.Clone(c.Tenants)
	c.CreatedAt = milli(c.CreatedAt)
	s.clients[c.ID] = c
	return nil
}

// ClientByID implements [identity.Clients].
func (s *Store) ClientByID(ctx context.Context, id string) (identity.Client, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return identity.Client{}, err
	}
	defer unlock()

	c, ok := s.clients[id]
	if !ok {
		return identity.Client{}, identity.ErrNotFound
	}
	c.Tenants = slices.Clone(c.Tenants)
	return c, nil
}

// SetClientDisabled implements [identity.Clients].
func (s *Store) SetClientDisabled(ctx context.Context, id string, disabled bool) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	c, ok := s.clients[id]
	if !ok {
		return identity.ErrNotFound
	}
	c.Disabled = disabled
	s.clients[id] = c
	return nil
}

// ListClients implements [identity.Clients].
func (s *Store) ListClients(ctx context.Context, afterID string, max int) ([]identity.Client, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	page := firstIDs(s.clients, max, func(c identity.Client) bool { return c.ID > afterID })
	clients := make([]identity.Client, 0, len(page))
	for _, id := range page {
		c := s.clients[id]
		c.Tenants = slices.Clone(c.Tenants)
		clients = append(clients, c)
	}
	return clients, nil
}

// DeleteClient implements [identity.Clients].
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if _, ok := s.clients[id]; !ok {
		return identity.ErrNotFound
	}
	delete(s.clients, id)
	return nil
}
