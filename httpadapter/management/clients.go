package management

import (
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// client is how the API shows an application.
type client struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Tenant      string     `json:"tenant"`
	MultiTenant bool       `json:"multi_tenant"`
	Tenants     []string   `json:"tenants"`
	Disabled    bool       `json:"disabled"`
	CreatedAt   *time.Time `json:"created_at"`
}

func shownClient(c identity.Client) client {
	return client{
		ID: c.ID, Name: c.Name, Tenant: c.Tenant, MultiTenant: c.MultiTenant, Tenants: append([]string{}, c.Tenants...),
		Disabled: c.Disabled, CreatedAt: when(c.CreatedAt),
	}
}

func createClient(c *call) (reply, error) {
	b, err := c.body("id", "name", "tenant", "multi_tenant", "tenants", "disabled")
	if err != nil {
		return reply{}, err
	}
	n := identity.Client{
		ID: b.text("id", 128, true), Name: b.optional("name"), Tenant: b.text("tenant", 128, true), Tenants: b.list("tenants"),
	}
	b.wanted("id")
	if multi := b.flag("multi_tenant"); multi != nil {
		n.MultiTenant = *multi
	}
	if disabled := b.flag("disabled"); disabled != nil {
		n.Disabled = *disabled
	}
	trimmed := func(name, text string) {
		if text != strings.TrimSpace(text) || len(text) > 128 {
			b.fault(name, "has outer spaces, or more than 128 bytes")
		}
	}
	trimmed("id", n.ID)
	trimmed("tenant", n.Tenant)
	for _, t := range n.Tenants {
		trimmed("tenants", t)
	}
	if n.MultiTenant && n.Tenant != "" {
		b.fault("tenant", "is for applications of one tenant: use tenants")
	}
	if !n.MultiTenant && len(n.Tenants) > 0 {
		b.fault("tenants", "is for multi-tenant applications: use tenant")
	}
	if err := b.err(); err != nil {
		return reply{}, err
	}
	if err := c.service.RegisterClient(c.ctx(), n); err != nil {
		return reply{}, err
	}
	c.id = n.ID
	answer, err := readClient(c)
	answer.status = 201
	return answer, err
}

func readClient(c *call) (reply, error) {
	found, err := c.service.Client(c.ctx(), c.id)
	if err != nil {
		return reply{}, err
	}
	return ok(shownClient(found))
}

func listClients(c *call) (reply, error) {
	after, limit, err := c.page()
	if err != nil {
		return reply{}, err
	}
	clients, err := c.service.Clients(c.ctx(), after, limit)
	if err != nil {
		return reply{}, err
	}
	answer := struct {
		Clients []client `json:"clients"`
		Next    string   `json:"next,omitempty"`
	}{Clients: make([]client, len(clients))}
	for i, found := range clients {
		answer.Clients[i] = shownClient(found)
	}
	if len(clients) == limit {
		answer.Next = clients[limit-1].ID
	}
	return ok(answer)
}

func updateClient(c *call) (reply, error) {
	b, err := c.body("disabled")
	if err != nil {
		return reply{}, err
	}
	disabled := b.flag("disabled")
	b.wanted("disabled")
	if err := b.err(); err != nil {
		return reply{}, err
	}
	if err := c.service.SetClientDisabled(c.ctx(), c.id, *disabled); err != nil {
		return reply{}, err
	}
	return readClient(c)
}

func deleteClient(c *call) (reply, error) {
	return done, c.service.DeleteClient(c.ctx(), c.id)
}
