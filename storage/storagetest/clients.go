package storagetest

import (
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

func clientCases() []Case {
	want := func(c *check, what string, want identity.Client) {
		c.TB.Helper()
		got, err := c.ClientByID(c.ctx, want.ID)
		c.ok(what+": ClientByID", err)
		c.equal(what+": the stored client", got, want)
	}
	clientOf := func(c *check, id string) identity.Client {
		return identity.Client{ID: id, Name: "App", Tenant: "acme", CreatedAt: c.now}
	}
	return []Case{
		{"CreateClient/RoundTrip", "a multi-tenant client whose allow list is lost serves every tenant", func(c *check) {
			for _, client := range []identity.Client{
				clientOf(c, "DRrYIqauawN0I8myTMoDTPys6ezGZxnm"),
				{ID: "isv", MultiTenant: true, Tenants: []string{"globex", "acme", "a,b", `"quoted"`, " spaced "}, CreatedAt: c.now},
				{ID: "any", MultiTenant: true, CreatedAt: c.now},
				{ID: "off", Disabled: true, CreatedAt: c.now.Add(-time.Hour)},
			} {
				c.ok("CreateClient", c.CreateClient(c.ctx, client))
				want(c, "created", client)
			}
		}},
		{"CreateClient/Duplicate", "registering an id again must not enable a client or change its tenant", func(c *check) {
			client := clientOf(c, "app")
			client.Disabled = true
			c.ok("CreateClient", c.CreateClient(c.ctx, client))
			c.is("CreateClient again", c.CreateClient(c.ctx, clientOf(c, "app")), identity.ErrAlreadyExists)
			want(c, "after the refusal", client)
		}},
		{"CreateClient/Concurrent", "if one id is registered twice at the same time, only one of the two calls may succeed", func(c *check) {
			clients := make([]identity.Client, 30)
			for i := range clients {
				clients[i] = clientOf(c, "app")
				clients[i].Tenant = fmt.Sprint("tenant ", i)
			}
			errs := together(len(clients), func(i int) error { return c.CreateClient(c.ctx, clients[i]) })
			want(c, "the winner", clients[c.oneWinner(errs, identity.ErrAlreadyExists)])
		}},
		{"ClientByID/Missing", "an unregistered application must be refused, not answered as an outage", func(c *check) {
			c.ok("CreateClient", c.CreateClient(c.ctx, clientOf(c, "app")))
			for _, id := range []string{"", "ap", "app2"} {
				got, err := c.ClientByID(c.ctx, id)
				c.is(fmt.Sprintf("ClientByID(%q)", id), err, identity.ErrNotFound)
				c.equal("the client returned with an error", got, identity.Client{})
			}
		}},
		{"SetClientDisabled/OnAndOff", "the switch that stops an abused application must work each time, and only for that application", func(c *check) {
			client, other := clientOf(c, "app"), clientOf(c, "other")
			c.ok("CreateClient", c.CreateClient(c.ctx, client))
			c.ok("CreateClient", c.CreateClient(c.ctx, other))
			for _, disabled := range []bool{true, true, false, false} {
				c.ok("SetClientDisabled", c.SetClientDisabled(c.ctx, "app", disabled))
				client.Disabled = disabled
				want(c, fmt.Sprint("disabled: ", disabled), client)
				want(c, "the other client", other)
			}
		}},
		{"SetClientDisabled/Missing", "an operator who mistypes an id must not believe that the application is stopped", func(c *check) {
			c.is("SetClientDisabled", c.SetClientDisabled(c.ctx, "app", true), identity.ErrNotFound)
			_, err := c.ClientByID(c.ctx, "app")
			c.is("ClientByID", err, identity.ErrNotFound)
		}},
		{"ListClients/Pages", "an operator who looks for an application must see each of them once, in order", func(c *check) {
			var clients []identity.Client
			for _, id := range []string{"App", "a", "a b", "ab", "b"} { // in byte order
				client := clientOf(c, id)
				client.MultiTenant, client.Tenants, client.Disabled = true, []string{id, "acme"}, id == "ab"
				clients = append(clients, client)
			}
			for _, i := range []int{3, 0, 4, 2, 1} {
				c.ok("CreateClient", c.CreateClient(c.ctx, clients[i]))
			}
			page := func(after string, n int, want ...identity.Client) {
				c.TB.Helper()
				got, err := c.ListClients(c.ctx, after, n)
				c.ok("ListClients", err)
				c.equal(fmt.Sprintf("at most %d after %q", n, after), got, want)
			}
			page("", 10, clients...)
			page("", 2, clients[:2]...)
			page("a", 2, clients[2:4]...)
			page("aa", 10, clients[3:]...)
			page("b", 10)
			page("", 0)
			page("", -1)
		}},
		{"DeleteClient/Removes", "an application that was removed must be refused from then on, and no other application with it", func(c *check) {
			client, other := clientOf(c, "app"), clientOf(c, "app2")
			client.Tenants = []string{"acme"}
			c.ok("CreateClient", c.CreateClient(c.ctx, client))
			c.ok("CreateClient", c.CreateClient(c.ctx, other))
			c.ok("DeleteClient", c.DeleteClient(c.ctx, "app"))
			_, err := c.ClientByID(c.ctx, "app")
			c.is("ClientByID of the removed client", err, identity.ErrNotFound)
			c.is("SetClientDisabled of the removed client", c.SetClientDisabled(c.ctx, "app", false), identity.ErrNotFound)
			want(c, "the other client", other)
			again := clientOf(c, "app")
			c.ok("CreateClient of the same id", c.CreateClient(c.ctx, again))
			want(c, "registered again", again)
		}},
		{"DeleteClient/Missing", "an operator who mistypes an id must not believe that the application is gone", func(c *check) {
			client := clientOf(c, "app")
			c.ok("CreateClient", c.CreateClient(c.ctx, client))
			for _, id := range []string{"", "APP", "ap", "app "} {
				c.is(fmt.Sprintf("DeleteClient(%q)", id), c.DeleteClient(c.ctx, id), identity.ErrNotFound)
			}
			want(c, "after the refusals", client)
			c.ok("DeleteClient", c.DeleteClient(c.ctx, "app"))
			c.is("DeleteClient again", c.DeleteClient(c.ctx, "app"), identity.ErrNotFound)
		}},
	}
}
