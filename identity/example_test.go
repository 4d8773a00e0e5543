package identity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// person makes the requests of the examples, from a device of the application "app".
var person = identity.Caller{ClientID: "app", Device: "a1b2c3", Language: "en"}

// exampleService makes a service with the application and the user of the examples.
// Stop ends the delivery of its messages and waits for it.
func exampleService(phone sms.Sender, configure func(*identity.Config)) (svc *identity.Service, stop func(), err error) {
	cfg := identity.Config{
		Store:  memory.New(),
		SMS:    phone,
		Secret: identity.NewSecret(strings.Repeat("s", 32)),
	}
	configure(&cfg)
	svc, err = identity.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := svc.EnsureClient(ctx, identity.Client{ID: "app"}); err != nil {
		cancel()
		return nil, nil, err
	}
	if _, err := svc.CreateUser(ctx, identity.NewUser{ID: "u1", Mobile: "13800138000", Verified: true, Password: identity.NewSecret("violet-Harbor-93")}); err != nil {
		cancel()
		return nil, nil, err
	}
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	return svc, func() { cancel(); <-done }, nil
}

// resetBySMS does what a person does: asks for a code, reads it, and uses it.
func resetBySMS(svc *identity.Service, phone *smstest.Recorder) error {
	ctx := context.Background()
	err := svc.SendVerifyCode(ctx, identity.SendRequest{Caller: person, Mobile: "13800138000", Purpose: identity.PurposeForgotPassword})
	if err != nil {
		return err
	}
	message, err := phone.Next(ctx, "+8613800138000")
	if err != nil {
		return err
	}
	return svc.ResetByMobile(ctx, identity.ResetRequest{
		Caller: person, Mobile: "13800138000",
		Code: identity.NewSecret(message.Params["code"]), Password: identity.NewSecret("amber-Lantern-27"),
	})
}

// A person sets a new password with a code, and signs in with it.
func Example() {
	phone := &smstest.Recorder{}
	svc, stop, err := exampleService(phone, func(*identity.Config) {})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	if err := resetBySMS(svc, phone); err != nil {
		fmt.Println(err)
		return
	}
	login := identity.LoginRequest{Mobile: "138 0013 8000", Password: identity.NewSecret("amber-Lantern-27")}
	user, err := svc.Authenticate(context.Background(), login)
	fmt.Println(user.ID, err)
	// Output: u1 <nil>
}

// The notice of a reset goes to the number by SMS. OnEvent tells the person over a
// second channel, too, such as e-mail. It is called at least once for each event:
// the event's ID recognises repetitions.
func ExampleConfig_secondChannel() {
	told := make(chan string, 1)
	sendMail := func(userID, text, idempotencyKey string) error {
		told <- fmt.Sprintf("mail to %s: %s", userID, text)
		return nil
	}
	phone := &smstest.Recorder{}
	svc, stop, err := exampleService(phone, func(c *identity.Config) {
		c.SupportContact = "help.example.com"
		c.EventTypes = []audit.Type{audit.PasswordReset, audit.PasswordSet}
		c.OnEvent = func(_ context.Context, e audit.Event) error {
			return sendMail(e.UserID, "Your password was changed. If this was not you: help.example.com", e.ID)
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	if err := resetBySMS(svc, phone); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-told)
	// Output: mail to u1: Your password was changed. If this was not you: help.example.com
}

// simSwaps refuses a reset after a SIM change.
type simSwaps struct{ recent map[string]bool }

func (s simSwaps) AllowSend(context.Context, identity.GuardRequest) error { return nil }

func (s simSwaps) AllowReset(_ context.Context, r identity.GuardRequest) error {
	if s.recent[r.User.Mobile] {
		return &identity.GuardRefusal{Reason: "SIM changed within 72 h"}
	}
	return nil
}

// A guard refuses a reset whose code is right. The caller gets the answer to a wrong
// code; the reason is in the audit trail.
func ExampleGuard() {
	phone := &smstest.Recorder{}
	svc, stop, err := exampleService(phone, func(c *identity.Config) {
		c.Guard = simSwaps{recent: map[string]bool{"+8613800138000": true}}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	err = resetBySMS(svc, phone)
	fmt.Println(errors.Is(err, identity.ErrCodeRefused))
	// Output: true
}
