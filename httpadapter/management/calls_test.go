package management_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter/management"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{CheckUsers: func(context.Context) (any, error) { return map[string]int{"users": 1}, nil }})
	created := a.do("POST", "/v1/users", `{"id":"user/7","mobile":"12345678901","password":"`+password+`","verified":true}`).want(t, 201, "")
	if created.field("mobile") != mobile || created.field("id") != "user/7" || created.field("verified_at") == nil {
		t.Errorf("created %s", created.body)
	}
	a.do("POST", "/v1/users", `{"mobile":"12345678901","password":"`+password+`","verified":true}`).want(t, 409, "already_exists")
	a.do("POST", "/v1/users", `{"mobile":"12345678902","password_hash":"md5","verified":true}`).want(t, 422, "hash_unreadable")
	a.do("POST", "/v1/users", `{"mobile":"12345678902","password":"short","verified":true}`).want(t, 422, "password_length")
	unverified := a.do("POST", "/v1/users", `{"mobile":"12345678902","verified":false,"password_hash":"$2a$04$fGK5FG3J4BGDUs9zqDFbD.rSRK5YPOXeVqKNPrKCpZpfJ4F2hFQpa"}`).want(t, 201, "")
	if unverified.field("verified_at") != nil {
		t.Errorf("verified: %s", unverified.body)
	}
	a.do("GET", "/v1/users/user%2F7", "").want(t, 200, "")
	a.do("GET", "/v1/users/nobody", "").want(t, 404, "not_found")
	a.do("GET", "/v1/users/user%2F7?tenant=other", "").want(t, 404, "not_found")
	a.do("POST", "/v1/users/find", `{"mobile":"+86 123 4567 8901"}`).want(t, 200, "")
	a.do("POST", "/v1/users/find", `{"mobile":"12345678909"}`).want(t, 404, "not_found")
	page := a.do("GET", "/v1/users?limit=1", "").want(t, 200, "")
	rest := a.do("GET", "/v1/users?limit=10&after="+page.field("next").(string), "").want(t, 200, "")
	if len(page.field("users").([]any)) != 1 || len(rest.field("users").([]any)) != 1 || rest.field("next") != nil {
		t.Errorf("pages %s %s", page.body, rest.body)
	}
	changed := a.do("PATCH", "/v1/users/user%2F7", `{"mobile":"12345678903","disabled":true}`).want(t, 200, "")
	if changed.field("mobile") != "+8612345678903" || changed.field("verified_at") != nil || changed.field("disabled") != true {
		t.Errorf("changed %s", changed.body)
	}
	changed = a.do("PATCH", "/v1/users/user%2F7", `{"verified":true,"disabled":false}`).want(t, 200, "")
	if changed.field("verified_at") == nil || changed.field("disabled") != false {
		t.Errorf("changed %s", changed.body)
	}
	a.do("PATCH", "/v1/users/user%2F7", `{}`).want(t, 400, "invalid_request")
	a.do("PATCH", "/v1/users/user%2F7", `{"mobile":"12345678902"}`).want(t, 409, "already_exists")
	a.do("POST", "/v1/users/user%2F7/unlock", "").want(t, 204, "")
	a.do("POST", "/v1/unlock", `{"mobile":"12345678903"}`).want(t, 204, "")
	a.do("GET", "/v1/users/report", "").want(t, 200, "")
	a.do("DELETE", "/v1/users/user%2F7", "").want(t, 204, "")
	a.do("DELETE", "/v1/users/user%2F7", "").want(t, 404, "not_found")
	if strings.Contains(a.log.String(), "123456789") || strings.Contains(a.log.String(), password) || strings.Contains(a.log.String(), a.token) {
		t.Error("the log has a number, a password or the token")
	}
	if !strings.Contains(a.log.String(), `"token":"backend"`) || !strings.Contains(a.log.String(), `"route":"/v1/users/{id}"`) {
		t.Errorf("the log does not say who did what: %.300s", a.log.String())
	}
}

func check(mobile, password, address string) string {
	return fmt.Sprintf(`{"mobile":%q,"password":%q,"address":%q,"client_id":%q,"device":"phone"}`, mobile, password, address, identitytest.ClientID)
}

func TestPasswordCheck(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	u := a.User(mobile, password)
	got := a.do("POST", "/v1/passwords/check", check(mobile, password, "192.0.2.7")).want(t, 200, "")
	if got.field("id") != u.ID || got.field("mobile") != mobile || strings.Contains(got.body, "argon2") {
		t.Errorf("answered %s", got.body)
	}
	byID := func(id, password string) string {
		return fmt.Sprintf(`{"user_id":%q,"password":%q,"address":"192.0.2.7"}`, id, password)
	}
	a.do("POST", "/v1/passwords/check", byID(u.ID, password)).want(t, 200, "")
	wrong := a.do("POST", "/v1/passwords/check", byID(u.ID, "wrong")).want(t, 422, "wrong_credentials")
	if missing := a.do("POST", "/v1/passwords/check", byID("nobody", password)); missing.body != wrong.body {
		t.Errorf("the answer tells an unknown id from a wrong password: %s", missing.body)
	}
	// The limits count by the person's address and number.
	limited := 0
	for range 200 {
		if a.do("POST", "/v1/passwords/check", check(mobile, "wrong", "198.51.100.1")).status == 429 {
			limited++
		}
		if limited > 0 {
			break
		}
	}
	if limited == 0 {
		t.Error("200 wrong passwords reached no limit")
	}
	a.do("POST", "/v1/passwords/check", check(mobile, password, "198.51.100.1")).want(t, 429, "too_many_requests")
	a.do("POST", "/v1/users/"+u.ID+"/unlock", "").want(t, 204, "")
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	u := a.User(mobile, password)
	change := func(old, fresh string) string {
		return fmt.Sprintf(`{"user_id":%q,"password":%q,"new_password":%q,"address":"::ffff:192.0.2.7"}`, u.ID, old, fresh)
	}
	a.do("POST", "/v1/passwords/change", change("wrong", fresh)).want(t, 422, "wrong_credentials")
	a.do("POST", "/v1/passwords/change", change(password, "password1")).want(t, 422, "password_weak")
	a.do("POST", "/v1/passwords/change", change(password, fresh)).want(t, 204, "")
	a.do("POST", "/v1/passwords/check", check(mobile, password, "192.0.2.7")).want(t, 422, "wrong_credentials")
	a.do("POST", "/v1/passwords/check", check(mobile, fresh, "192.0.2.7")).want(t, 200, "")
	a.do("POST", "/v1/passwords/set", `{"user_id":"nobody","password":"velvet-Harbor-17"}`).want(t, 404, "not_found")
	a.do("POST", "/v1/passwords/set", fmt.Sprintf(`{"user_id":%q,"password":" "}`, u.ID)).want(t, 422, "password_length")
	a.do("POST", "/v1/passwords/set", fmt.Sprintf(`{"user_id":%q,"password":"velvet-Harbor-17"}`, u.ID)).want(t, 204, "")
	a.do("POST", "/v1/passwords/check", check(mobile, "velvet-Harbor-17", "192.0.2.7")).want(t, 200, "")
	a.do("GET", "/v1/users/report", "").want(t, 501, "not_supported")
}

func TestClients(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	a.do("POST", "/v1/clients", `{"id":"shop","name":"Shop","multi_tenant":true,"tenants":["a","b"]}`).want(t, 201, "")
	a.do("POST", "/v1/clients", `{"id":"shop"}`).want(t, 409, "already_exists")
	for _, bad := range []string{`{"id":" shop2"}`, `{"id":"shop2","tenants":["a"]}`, `{"id":"shop2","multi_tenant":true,"tenant":"a"}`, `{"id":"shop2","tenants":"a"}`, `{"id":"shop2","multi_tenant":true,"tenants":[1]}`} {
		a.do("POST", "/v1/clients", bad).want(t, 400, "invalid_request")
	}
	got := a.do("GET", "/v1/clients/shop", "").want(t, 200, "")
	if fmt.Sprint(got.field("tenants")) != "[a b]" || got.field("multi_tenant") != true {
		t.Errorf("client %s", got.body)
	}
	if got = a.do("PATCH", "/v1/clients/shop", `{"disabled":true}`).want(t, 200, ""); got.field("disabled") != true {
		t.Errorf("client %s", got.body)
	}
	page := a.do("GET", "/v1/clients?limit=1", "").want(t, 200, "")
	if next := page.field("next"); next != identitytest.ClientID {
		t.Errorf("page %s", page.body)
	}
	a.do("DELETE", "/v1/clients/shop", "").want(t, 204, "")
	a.do("GET", "/v1/clients/shop", "").want(t, 404, "not_found")
}

func TestCodes(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{}, func(c *identity.Config) {
		c.Purposes = []identity.Purpose{identity.PurposeForgotPassword, identity.PurposeLogin, identity.PurposeUpdateMobile}
	})
	u := a.User(mobile, password)
	body := func(purpose, mobile, more string) string {
		return fmt.Sprintf(`{"client_id":%q,"device":"phone","address":"192.0.2.7","mobile":%q,"purpose":%q%s}`, identitytest.ClientID, mobile, purpose, more)
	}
	a.do("POST", "/v1/codes/send", body("LOGIN_SMS", mobile, "")).want(t, 204, "")
	code := a.Code(mobile)
	a.do("POST", "/v1/codes/redeem", body("LOGIN_SMS", mobile, `,"code":"no"`)).want(t, 422, "code_refused")
	got := a.do("POST", "/v1/codes/redeem", body("LOGIN_SMS", mobile, `,"code":"`+code+`"`)).want(t, 200, "")
	if got.field("mobile") != mobile || got.field("user").(map[string]any)["id"] != u.ID {
		t.Errorf("redeemed %s", got.body)
	}
	const next = "+8612345678902"
	a.do("POST", "/v1/codes/send", body("UPDATE_MOBILE_SMS", next, "")).want(t, 204, "")
	code = a.Code(next)
	a.do("POST", "/v1/codes/redeem", body("UPDATE_MOBILE_SMS", next, `,"code":"`+code+`"`)).want(t, 400, "invalid_request")
	a.do("POST", "/v1/codes/redeem", body("UPDATE_MOBILE_SMS", next, `,"code":"`+code+`","user_id":"`+u.ID+`"`)).want(t, 200, "")
	a.do("POST", "/v1/codes/send", body("REGISTER_SMS", next, "")).want(t, 422, "unknown_purpose")
}

func TestTrail(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	u := a.User(mobile, password)
	a.SendCode(mobile)
	a.Code(mobile)
	if got := a.do("GET", "/v1/events", "").want(t, 200, ""); got.body != `{"events":[],"next":""}`+"\n" {
		t.Errorf("events that may not be the earliest: %s", got.body)
	}
	management.SetClock(a.handler, func() time.Time { return time.Now().Add(time.Minute) })
	events := a.do("GET", "/v1/events?limit=2", "").want(t, 200, "")
	rest := a.do("GET", "/v1/events?after="+events.field("next").(string), "").want(t, 200, "")
	if len(events.field("events").([]any)) != 2 || len(rest.field("events").([]any)) != 1 || !strings.Contains(rest.body, `"type":"code.sent"`) {
		t.Errorf("events %s %s", events.body, rest.body)
	}
	end := a.do("GET", "/v1/events?after="+rest.field("next").(string), "").want(t, 200, "")
	if end.field("next") != rest.field("next") {
		t.Errorf("at the end: %s", end.body)
	}
	mine := a.do("GET", "/v1/events?user_id="+u.ID, "").want(t, 200, "")
	if len(mine.field("events").([]any)) != 2 {
		t.Errorf("events of the user: %s", mine.body)
	}
	a.do("GET", "/v1/events?tenant=a", "").want(t, 400, "invalid_request")
	messages := a.do("GET", "/v1/messages", "").want(t, 200, "")
	if len(messages.field("messages").([]any)) != 1 || strings.Contains(messages.body, "12345678901") {
		t.Errorf("messages %s", messages.body)
	}
}

// late is a store in which an event becomes visible after a younger one.
type late struct {
	always
	events []audit.Event
}

func (l *late) Events(_ context.Context, q audit.Query) (found []audit.Event, _ error) {
	for _, e := range l.events {
		if e.ID > q.AfterID && (q.Before.IsZero() || e.At.Before(q.Before)) {
			found = append(found, e)
		}
	}
	return found, nil
}

// TestNoEventIsLost: an event's time may be long before the time in its id, for example
// if a CAPTCHA check took seconds. A reader who went by the event's time would miss an
// event with a smaller id.
func TestNoEventIsLost(t *testing.T) {
	t.Parallel()
	base := time.UnixMilli(1_800_000_000_000)
	id := func(at time.Time, n int) string {
		hex := fmt.Sprintf("%012x", at.UnixMilli())
		return fmt.Sprintf("%s-%s-7000-8000-%012d", hex[:8], hex[8:], n)
	}
	at := func(s int) time.Time { return base.Add(time.Duration(s) * time.Second) }
	first := audit.Event{ID: id(at(20), 1), At: at(20)}
	slow := audit.Event{ID: id(at(21), 2), At: at(1)} // made at 1, its id at 21
	missing := audit.Event{ID: id(at(20), 0), At: at(20)}
	store := &late{events: []audit.Event{first, slow}}
	secret, token := newToken(t, "a", management.ScopeAll)
	h := management.NewWithService(store, management.Config{Tokens: management.Tokens{token}, Settle: 10 * time.Second})
	url := serve(t, h)
	var seen []string
	after := ""
	read := func(now time.Time) {
		management.SetClock(h, func() time.Time { return now })
		got := do(t, url, secret, "GET", "/v1/events?after="+after, "").want(t, 200, "")
		for _, e := range got.field("events").([]any) {
			seen = append(seen, e.(map[string]any)["id"].(string))
		}
		after = got.field("next").(string)
	}
	read(at(22))
	store.events = []audit.Event{missing, first, slow} // committed two seconds after it was made
	read(at(23))
	read(at(40))
	if want := []string{missing.ID, first.ID, slow.ID}; fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("read %v, want %v", seen, want)
	}
}
