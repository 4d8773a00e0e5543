package bunstore

import (
	"context"
	"encoding/json"

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
	row, err := one[clientRow](s.read(ctx), "SELECT "+clientColumns+" FROM rekey_clients WHERE id = ?", id)
	if err != nil {
		return identity.Client{}, wrap("find client", err)
	}
	c := identity.Client{
		ID: row.ID, Name: row.Name, Tenant: row.Tenant, MultiTenant: row.MultiTenant != 0, Disabled: row.Disabled != 0, CreatedAt: fromMillis(row.CreatedAt),
	}
	if err := json.Unmarshal([]byte(row.Tenants), &c.Tenants); err != nil {
		return identity.Client{}, wrap("read client's tenants", err)
	}
	return c, nil
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
