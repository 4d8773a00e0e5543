package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func directoryFaults() []fault {
	return []fault{
		{"allow list lost", []string{"CreateClient/RoundTrip"}, func(b *broken) {
			b.createClient = func(ctx context.Context, cl identity.Client) error {
				cl.Tenants = nil
				return b.Store.CreateClient(ctx, cl)
			}
		}},
		{"allow list joined by commas", []string{"CreateClient/RoundTrip", "Strings/Clients"}, func(b *broken) {
			b.createClient = func(ctx context.Context, cl identity.Client) error {
				if len(cl.Tenants) > 0 {
					cl.Tenants = strings.Split(strings.Join(cl.Tenants, ","), ",")
				}
				return b.Store.CreateClient(ctx, cl)
			}
		}},
		{"duplicate client accepted", []string{"CreateClient/Duplicate", "CreateClient/Concurrent"}, func(b *broken) {
			b.createClient = func(ctx context.Context, cl identity.Client) error {
				return unless(identity.ErrAlreadyExists, b.Store.CreateClient(ctx, cl))
			}
		}},
		{"missing client a zero client", []string{"ClientByID/Missing"}, func(b *broken) {
			b.clientByID = func(ctx context.Context, id string) (identity.Client, error) {
				cl, err := b.Store.ClientByID(ctx, id)
				return cl, unless(identity.ErrNotFound, err)
			}
		}},
		{"client never enabled again", []string{"SetClientDisabled/OnAndOff"}, func(b *broken) {
			b.setClientDisabled = func(ctx context.Context, id string, _ bool) error {
				return b.Store.SetClientDisabled(ctx, id, true)
			}
		}},
		{"missing client disabled", []string{"SetClientDisabled/Missing"}, func(b *broken) {
			b.setClientDisabled = func(ctx context.Context, id string, disabled bool) error {
				return unless(identity.ErrNotFound, b.Store.SetClientDisabled(ctx, id, disabled))
			}
		}},
		{"deleted client kept", []string{"DeleteClient/Removes"}, func(b *broken) {
			b.deleteClient = func(ctx context.Context, id string) error {
				return b.Store.SetClientDisabled(ctx, id, true)
			}
		}},
		{"deletion of no client no error", []string{"DeleteClient/Missing"}, func(b *broken) {
			b.deleteClient = func(ctx context.Context, id string) error {
				return unless(identity.ErrNotFound, b.Store.DeleteClient(ctx, id))
			}
		}},
		{"clients in reverse", []string{"ListClients/Pages"}, func(b *broken) {
			b.listClients = func(ctx context.Context, afterID string, max int) ([]identity.Client, error) {
				clients, err := b.Store.ListClients(ctx, afterID, max)
				slices.Reverse(clients)
				return clients, err
			}
		}},
		{"listed clients without their tenants", []string{"ListClients/Pages"}, func(b *broken) {
			b.listClients = func(ctx context.Context, afterID string, max int) ([]identity.Client, error) {
				clients, err := b.Store.ListClients(ctx, afterID, max)
				for i := range clients {
					clients[i].Tenants = nil
				}
				return clients, err
			}
		}},
		{"user by id in any tenant", []string{"UserByID/Missing"}, func(b *broken) {
			b.userByID = func(ctx context.Context, _, id string) (identity.User, error) {
				return b.Store.UserByID(ctx, "acme", id)
			}
		}},
		{"user by id without the disabled", []string{"UserByID/Finds"}, func(b *broken) {
			b.userByID = func(ctx context.Context, tenant, id string) (identity.User, error) {
				u, err := b.Store.UserByID(ctx, tenant, id)
				if err == nil && u.Disabled {
					return identity.User{}, identity.ErrNotFound
				}
				return u, err
			}
		}},
		{"users of all tenants listed", []string{"ListUsers/Pages"}, func(b *broken) {
			b.listUsers = func(ctx context.Context, tenant, afterID string, max int) ([]identity.User, error) {
				users, err := b.Store.ListUsers(ctx, tenant, afterID, max)
				others, othersErr := b.Store.ListUsers(ctx, "globex", afterID, max-len(users))
				return append(users, others...), errors.Join(err, othersErr)
			}
		}},
		{"users listed by number", []string{"ListUsers/Pages"}, func(b *broken) {
			b.listUsers = func(ctx context.Context, tenant, afterID string, max int) ([]identity.User, error) {
				users, err := b.Store.ListUsers(ctx, tenant, afterID, max)
				slices.SortFunc(users, func(x, y identity.User) int { return strings.Compare(x.Mobile, y.Mobile) })
				return users, err
			}
		}},
		{"erased person only disabled", []string{"DeleteUser/Erases", "DeleteUser/Concurrent"}, func(b *broken) {
			b.deleteUser = func(ctx context.Context, tenant, id string) error {
				return b.Store.UpdateUser(ctx, identity.UserChange{Tenant: tenant, ID: id, Disabled: new(true)})
			}
		}},
		{"history of the erased kept", []string{"DeleteUser/Erases"}, func(b *broken) {
			kept := make(map[string][]string)
			b.deleteUser = func(ctx context.Context, tenant, id string) error {
				kept[id], _ = b.Store.PasswordHistory(ctx, tenant, id, 100)
				return b.Store.DeleteUser(ctx, tenant, id)
			}
			b.passwordHistory = func(ctx context.Context, tenant, userID string, n int) ([]string, error) {
				h, err := b.Store.PasswordHistory(ctx, tenant, userID, n)
				return append(h, kept[userID]...), err
			}
		}},
		{"erasure across tenants", []string{"DeleteUser/Missing"}, func(b *broken) {
			b.deleteUser = func(ctx context.Context, _, id string) error { return b.Store.DeleteUser(ctx, "acme", id) }
		}},
		{"trail of the erased left as it was", []string{"DeleteUser/Events"}, func(b *broken) {
			before := make(map[string]audit.Event)
			b.appendEvent = func(ctx context.Context, e audit.Event, messages []outbox.Message) error {
				before[e.ID] = e
				return b.Store.AppendEvent(ctx, e, messages)
			}
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				events, err := b.Store.Events(ctx, q)
				for i := range events {
					events[i] = before[events[i].ID]
				}
				return events, err
			}
		}},
		{"trail of the erased removed", []string{"DeleteUser/Events"}, func(b *broken) {
			erased := ""
			b.deleteUser = func(ctx context.Context, tenant, id string) error {
				erased = id
				return b.Store.DeleteUser(ctx, tenant, id)
			}
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				events, err := b.Store.Events(ctx, q)
				return slices.DeleteFunc(events, func(e audit.Event) bool { return e.UserID == erased }), err
			}
		}},
		{"a namesake's trail emptied", []string{"DeleteUser/Events"}, func(b *broken) {
			b.events = func(ctx context.Context, q audit.Query) ([]audit.Event, error) {
				events, err := b.Store.Events(ctx, q)
				for i := range events {
					if events[i].Tenant == "globex" {
						events[i].Agent = ""
					}
				}
				return events, err
			}
		}},
		{"health check that fails", []string{"Check/Healthy"}, func(b *broken) {
			b.check = func(context.Context) error { return errors.New("schema behind") }
		}},
		{"health check that leaves a client", []string{"Check/Healthy"}, func(b *broken) {
			b.check = func(ctx context.Context) error {
				return unless(identity.ErrAlreadyExists, b.Store.CreateClient(ctx, identity.Client{ID: "another"}))
			}
		}},
	}
}
