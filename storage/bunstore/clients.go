package bunstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-16109ab2/rekey/identity"
)

const clientColumns = "id, name, tenant, isv, tenants, disabled, created_at"

type clientRow struct {
	ID          string `bun:"id"`
	Name        string `bun:"name"`
	Tenant      string `bun:"tenant"`
	MultiTenant int    `bun:"isv"`
	Tenants     string `bun:"tenants"` // a JSON array of strings
	Disabled    int    `bun:"disabled"`
	CreatedAt   int64  `bun:"created_at"`
}

// CreateClient implements [identity.Clients].
func (s *Store) CreateClient(ctx context.Context, c identity.Client) error {
	tenants, err := json.Marshal(c.Tenants)
	if err != nil {
		return wrap("create client", err)
	}
	err = s.inTx(ctx, func(t *tx) error {
		return t.insert("INSERT INTO rekey_clients ("+clientColumns+") VALUES ("+marks(7)+")",
			c.ID, c.Name, c.Tenant, flag(c.MultiTenant), string(tenants), flag(c.Disabled), millis(c.CreatedAt))
	})
	return wrap("create client", err)
}

// ClientByID implements [identity.Clients].
func (s *Store) ClientByID(ctx context.Context, id string) (identity.Client, error) {
	rows, err := batched(ctx, s.clients, s.clientsByID, id)
	if err == nil && len(rows) == 0 {
		err = identity.ErrNotFound
	}
	if err != nil {
		return identity.Client{}, wrap("find client", err)
	}
	c, err := rows[0].client()
	return c, wrap("find client", err)
}

// clientsByID returns for each id its row, or none.
func (s *Store) clientsByID(ctx context.Context, ids []string) ([][]clientRow, error) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := query[clientRow](s.read(ctx), "SELECT "+clientColumns+" FROM rekey_clients WHERE id IN ("+marks(len(args))+")", args...)
	found := make([][]clientRow, len(ids))
	for i, id := range ids {
		for _, r := range rows {
			if r.ID == id {
				found[i] = []clientRow{r}
			}
		}
	}
	return found, err
}

func (row clientRow) client() (identity.Client, error) {
	c := identity.Client{
		ID: row.ID, Name: row.Name, Tenant: row.Tenant, MultiTenant: row.MultiTenant != 0, Disabled: row.Disabled != 0, CreatedAt: fromMillis(row.CreatedAt),
	}
	if err := json.Unmarshal([]byte(row.Tenants), &c.Tenants); err != nil {
		return identity.Client{}, fmt.Errorf("tenants: %w", err)
	}
	return c, nil
}

// ListClients implements [identity.Clients].
func (s *Store) ListClients(ctx context.Context, afterID string, most int) ([]identity.Client, error) {
	if most <= 0 {
		return nil, ctx.Err()
	}
	rows, err := query[clientRow](s.read(ctx), "SELECT "+clientColumns+" FROM rekey_clients WHERE id > ? ORDER BY id LIMIT ?", afterID, most)
	if err != nil {
		return nil, wrap("list clients", err)
	}
	clients := make([]identity.Client, len(rows))
	for i, row := range rows {
		if clients[i], err = row.client(); err != nil {
			return nil, wrap("list clients", err)
		}
	}
	return clients, nil
}

// DeleteClient implements [identity.Clients].
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	return wrap("delete client", s.inTx(ctx, func(t *tx) error {
		n, err := t.exec("DELETE FROM rekey_clients WHERE id = ?", id)
		if err == nil && n != 1 {
			err = identity.ErrNotFound
		}
		return err
	}))
}

// SetClientDisabled implements [identity.Clients].
func (s *Store) SetClientDisabled(ctx context.Context, id string, disabled bool) error {
	err := s.inTx(ctx, func(t *tx) error {
		if _, err := one[clientRow](&t.statements, "SELECT "+clientColumns+" FROM rekey_clients WHERE id = ?"+t.engine.forUpdate, id); err != nil {
			return err
		}
		_, err := t.exec("UPDATE rekey_clients SET disabled = ? WHERE id = ?", flag(disabled), id)
		return err
	})
	return wrap("change client", err)
}
