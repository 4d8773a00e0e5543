package management

import "github.com/seed-16109ab2/rekey/identity"

// person holds the fields by which the backend says who signs in and from where.
var person = []string{"tenant", "mobile", "user_id", "password", "address", "client_id", "device"}

// login reads the fields of a person. A call may not have both a number and an id.
func (c *call) login(b *body) (r identity.LoginRequest, userID string) {
	r = identity.LoginRequest{
		Tenant: b.optional("tenant"), Mobile: b.optional("mobile"), Password: b.secret("password", longPassword),
		Address: b.address("address"), ClientID: b.optional("client_id"), Device: b.text("device", longDevice, true),
	}
	b.wantedSecret("password")
	userID = b.optional("user_id")
	switch {
	case b.has("mobile") && b.has("user_id"):
		b.fault("user_id", "is given together with mobile: give one of them")
	case !b.has("user_id"):
		b.wanted("mobile")
	default:
		b.wanted("user_id")
	}
	return r, userID
}

func checkPassword(c *call) (reply, error) {
	b, err := c.body(person...)
	if err != nil {
		return reply{}, err
	}
	r, userID := c.login(b)
	if err := b.err(); err != nil {
		return reply{}, err
	}
	var u identity.User
	if userID == "" {
		u, err = c.service.Authenticate(c.ctx(), r)
	} else {
		u, err = c.service.VerifyPassword(c.ctx(), identity.User{Tenant: r.Tenant, ID: userID}, r)
	}
	if err != nil {
		return reply{}, err
	}
	return ok(c.user(u))
}

func changePassword(c *call) (reply, error) {
	b, err := c.body("tenant", "user_id", "password", "new_password", "address", "client_id", "device", "language")
	if err != nil {
		return reply{}, err
	}
	change := identity.ChangePasswordRequest{
		Tenant: b.optional("tenant"), UserID: b.required("user_id"), Old: b.secret("password", longPassword), New: b.secret("new_password", longPassword),
		Address: b.address("address"), ClientID: b.optional("client_id"), Device: b.text("device", longDevice, true), Language: b.optional("language"),
	}
	b.wantedSecret("password")
	b.wantedSecret("new_password")
	if err := b.err(); err != nil {
		return reply{}, err
	}
	_, err = c.service.ChangePassword(c.ctx(), change)
	return done, err
}

func setPassword(c *call) (reply, error) {
	b, err := c.body("tenant", "user_id", "password")
	if err != nil {
		return reply{}, err
	}
	tenant, userID, password := b.optional("tenant"), b.required("user_id"), b.secret("password", longPassword)
	b.wantedSecret("password")
	if err := b.err(); err != nil {
		return reply{}, err
	}
	_, err = c.service.SetPassword(c.ctx(), tenant, userID, password)
	return done, err
}

// wantedSecret checks a password, which may be blank but not empty.
func (b *body) wantedSecret(name string) {
	if v := b.value(name); !b.has(name) || v.IsString() && v.Text == "" {
		b.fault(name, "is missing")
	}
}

// caller holds the fields by which the backend says who asks for a code.
var caller = []string{"client_id", "tenant", "device", "address", "mobile", "purpose", "language", "os_version", "agent"}

func (c *call) caller(b *body) identity.Caller {
	device := b.text("device", longDevice, true)
	b.wanted("device")
	address := b.address("address")
	return identity.Caller{
		ClientID: b.required("client_id"), TenantID: b.optional("tenant"), Device: device, Address: address,
		OSVersion: b.optional("os_version"), Agent: b.text("agent", longDevice, true), Language: b.optional("language"),
	}
}

func sendCode(c *call) (reply, error) {
	b, err := c.body(append([]string{"captcha_token"}, caller...)...)
	if err != nil {
		return reply{}, err
	}
	r := identity.SendRequest{
		Caller: c.caller(b), Mobile: b.required("mobile"), Purpose: identity.Purpose(b.required("purpose")),
		CaptchaToken: b.text("captcha_token", longDevice, true),
	}
	if err := b.err(); err != nil {
		return reply{}, err
	}
	return done, c.service.SendVerifyCode(c.ctx(), r)
}

func redeemCode(c *call) (reply, error) {
	b, err := c.body(append([]string{"code", "user_id"}, caller...)...)
	if err != nil {
		return reply{}, err
	}
	r := identity.RedeemRequest{
		Caller: c.caller(b), Mobile: b.required("mobile"), Purpose: identity.Purpose(b.required("purpose")),
		Code: b.secret("code", longText), UserID: b.optional("user_id"),
	}
	b.wanted("code")
	if r.Purpose == identity.PurposeBindMobile || r.Purpose == identity.PurposeUpdateMobile {
		b.wanted("user_id")
	}
	if err := b.err(); err != nil {
		return reply{}, err
	}
	redeemed, err := c.service.RedeemVerifyCode(c.ctx(), r)
	if err != nil {
		return reply{}, err
	}
	answer := struct {
		Mobile string `json:"mobile"`
		User   *user  `json:"user,omitempty"`
	}{Mobile: c.number(redeemed.Mobile)}
	if redeemed.User.ID != "" {
		answer.User = new(c.user(redeemed.User))
	}
	return ok(answer)
}
