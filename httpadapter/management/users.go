package management

import (
	"errors"
	"strconv"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/mobile"
)

// user is what the API shows of a user. The password's hash is never shown.
type user struct {
	ID                string     `json:"id"`
	Tenant            string     `json:"tenant"`
	Mobile            string     `json:"mobile"` // masked unless the token may see numbers
	VerifiedAt        *time.Time `json:"verified_at"`
	PasswordChangedAt *time.Time `json:"password_changed_at"`
	Disabled          bool       `json:"disabled"`
	CreatedAt         *time.Time `json:"created_at"`
}

func (c *call) user(u identity.User) user {
	return user{
		ID: u.ID, Tenant: u.Tenant, Mobile: c.number(u.Mobile), VerifiedAt: when(u.VerifiedAt),
		PasswordChangedAt: when(u.PasswordChangedAt), Disabled: u.Disabled, CreatedAt: when(u.CreatedAt),
	}
}

func (c *call) number(e164 string) string {
	if c.token.allows(ScopeMobiles) {
		return e164
	}
	return mobile.Mask(e164)
}

// when returns null for the zero time.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

func createUser(c *call) (reply, error) {
	b, err := c.body("id", "tenant", "mobile", "password", "password_hash", "verified")
	if err != nil {
		return reply{}, err
	}
	n := identity.NewUser{
		ID: b.text("id", 64, true), Tenant: b.text("tenant", 128, true), Mobile: b.required("mobile"),
		Password: b.secret("password", longPassword), PasswordHash: b.secret("password_hash", longHash),
	}
	verified := b.flag("verified")
	if !b.has("verified") {
		b.fault("verified", "is missing: true if the person has proved to hold the number, which can then recover the account")
	}
	if n.Password.Empty() == n.PasswordHash.Empty() {
		b.fault("password", "give either password or password_hash")
	}
	if err := b.err(); err != nil {
		return reply{}, err
	}
	n.Verified = *verified
	u, err := c.service.CreateUser(c.ctx(), n)
	if fault, ok := errors.AsType[*identity.FieldError](err); ok && fault.Field == "PasswordHash" {
		return reply{}, newProblem(422, "hash_unreadable", "The password hash has an unknown scheme, or its parameters are out of bounds.")
	}
	if err != nil {
		return reply{}, err
	}
	return reply{status: 201, body: c.user(u)}, nil
}

func readUser(c *call) (reply, error) {
	u, err := c.service.UserByID(c.ctx(), c.query.Get("tenant"), c.id)
	if err != nil {
		return reply{}, err
	}
	return ok(c.user(u))
}

func findUser(c *call) (reply, error) {
	b, err := c.body("tenant", "mobile")
	if err != nil {
		return reply{}, err
	}
	tenant, mobile := b.optional("tenant"), b.required("mobile")
	if err := b.err(); err != nil {
		return reply{}, err
	}
	u, err := c.service.UserByMobile(c.ctx(), tenant, mobile)
	if err != nil {
		return reply{}, err
	}
	return ok(c.user(u))
}

// page reads the parameters of a list.
func (c *call) page() (after string, limit int, err error) {
	limit = 100
	if text := c.query.Get("limit"); c.query.Has("limit") {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > 1000 {
			return "", 0, invalid(detail{Parameter: "limit", Detail: "must be 1 to 1000"})
		}
	}
	return c.query.Get("after"), limit, nil
}

func listUsers(c *call) (reply, error) {
	after, limit, err := c.page()
	if err != nil {
		return reply{}, err
	}
	users, err := c.service.Users(c.ctx(), c.query.Get("tenant"), after, limit)
	if err != nil {
		return reply{}, err
	}
	answer := struct {
		Users []user `json:"users"`
		Next  string `json:"next,omitempty"`
	}{Users: make([]user, len(users))}
	for i, u := range users {
		answer.Users[i] = c.user(u)
	}
	if len(users) == limit {
		answer.Next = users[limit-1].ID
	}
	return ok(answer)
}

func updateUser(c *call) (reply, error) {
	b, err := c.body("mobile", "verified", "disabled")
	if err != nil {
		return reply{}, err
	}
	tenant := c.query.Get("tenant")
	change := identity.UserChange{Tenant: tenant, ID: c.id, Disabled: b.flag("disabled")}
	if b.has("mobile") {
		change.Mobile = new(b.required("mobile"))
	}
	if verified := b.flag("verified"); verified != nil {
		change.VerifiedAt = &time.Time{}
		if *verified {
			change.VerifiedAt = new(c.service.Now())
		}
	}
	if change.Mobile == nil && change.VerifiedAt == nil && change.Disabled == nil {
		b.fault("", "contains no change")
	}
	if err := b.err(); err != nil {
		return reply{}, err
	}
	if err := c.service.UpdateUser(c.ctx(), change); err != nil {
		return reply{}, err
	}
	return readUser(c)
}

func eraseUser(c *call) (reply, error) {
	return done, c.service.DeleteUser(c.ctx(), c.query.Get("tenant"), c.id)
}

func unlockUser(c *call) (reply, error) {
	tenant := c.query.Get("tenant")
	u, err := c.service.UserByID(c.ctx(), tenant, c.id)
	if err != nil {
		return reply{}, err
	}
	return done, c.service.Unlock(c.ctx(), tenant, u.Mobile)
}

func unlockNumber(c *call) (reply, error) {
	b, err := c.body("tenant", "mobile")
	if err != nil {
		return reply{}, err
	}
	tenant, mobile := b.optional("tenant"), b.required("mobile")
	if err := b.err(); err != nil {
		return reply{}, err
	}
	return done, c.service.Unlock(c.ctx(), tenant, mobile)
}

func reportUsers(c *call) (reply, error) {
	if c.cfg.CheckUsers == nil {
		return reply{}, notSupported()
	}
	report, err := c.cfg.CheckUsers(c.ctx())
	if err != nil {
		return reply{}, err
	}
	return ok(report)
}
