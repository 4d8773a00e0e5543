package identity

import "time"

// Client is a registered application: who may call the routes at all.
type Client struct {
	ID   string // at most 128 bytes, exact
	Name string // for people; may be empty
	// Tenant is the tenant that the client serves. The X-tenant-id header is
	// only compared with it, never believed: a header naming another tenant gets
	// the same answers as an unknown number. With an empty Tenant the deployment
	// has no tenants, and the header has no meaning.
	Tenant string
	// ISV marks a multi-tenant application: the header is mandatory and picks the
	// tenant, among Tenants if that is not empty.
	MultiTenant bool
	// Tenants is the allow list of an ISV client; empty allows every tenant.
	Tenants   []string
	Disabled  bool
	CreatedAt time.Time
}
