package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/providers"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/server"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/failover"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// smsTest sends a code as serve does, from a store in memory that ends with the command.
// The text that arrives is what people will read, and its code gives access to nothing.
func smsTest(f *settings.Set) action {
	c := settings.Defaults()
	var routes providers.Routes
	var file server.TextsFile
	var to, language string
	f.Text(&to, "to", "`NUMBER` to send to; without country code: of -default-region; required")
	f.Text(&language, "language", "`LANGUAGE` of the message, BCP 47; default: -default-language")
	routes.Flags(f)
	file.Flag(f)
	f.Config(&c)
	return func(ctx context.Context, std Streams) (err error) {
		if to == "" {
			return settings.Usagef("-to is missing")
		}
		p := &probe{done: make(chan sendResult, 1)}
		if p.sender, err = routes.Sender(std.Out, c.SendTimeout, c.RetryUncertain); err != nil {
			return err
		}
		read, err := file.Read()
		if err != nil {
			return err
		}
		c.Texts = read.SMS
		c.SMS = p
		if err := settings.Check(c); err != nil {
			return err
		}
		result, err := p.send(ctx, c, to, language)
		if err != nil {
			return settings.Mobile(err, to, c)
		}
		return result.tell(std, p.sender)
	}
}

// probe passes messages to a sender and reports the result of the first message.
type probe struct {
	sender sms.Sender
	done   chan sendResult
}

type sendResult struct {
	receipt sms.Accepted
	err     error
	took    time.Duration
}

func (p *probe) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	start := time.Now()
	receipt, err := p.sender.Send(ctx, m)
	select {
	case p.done <- sendResult{receipt, err, time.Since(start)}:
	default: // told already
	}
	return receipt, err
}

// send asks for a code and waits until the one delivery of it has succeeded or failed.
func (p *probe) send(ctx context.Context, c identity.Config, to, language string) (sendResult, error) {
	const client = "sms-test"
	c.Store, c.Secret = memory.New(), identity.NewSecret(rand.Text()+rand.Text()) // nothing of it is kept
	service, err := identity.New(c)
	if err != nil {
		return sendResult{}, err
	}
	if err := service.RegisterClient(ctx, identity.Client{ID: client}); err != nil {
		return sendResult{}, err
	}
	user := identity.NewUser{Mobile: to, Verified: true, PasswordHash: identity.NewSecret(unusableHash)}
	if _, err := service.CreateUser(ctx, user); err != nil {
		return sendResult{}, err
	}
	caller := identity.Caller{ClientID: client, Device: client, Address: netip.IPv6Loopback(), Language: language}
	if err := service.SendVerifyCode(ctx, identity.SendRequest{Caller: caller, Mobile: to, Purpose: identity.PurposeForgotPassword}); err != nil {
		return sendResult{}, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- service.Run(running) }()
	defer func() { stop(); <-ended }()
	select {
	case result := <-p.done:
		return result, nil
	case err := <-ended:
		ended <- nil
		return sendResult{}, errors.Join(errors.New("interrupted before the message was sent"), err)
	}
}

// unusableHash has the form of a hash and matches no password.
const unusableHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// tell says what happened. With several providers, it says what happened at each.
func (r sendResult) tell(std Streams, sender sms.Sender) error {
	if r.err != nil {
		return r.failure()
	}
	if several, ok := sender.(*failover.Sender); ok {
		for _, c := range several.Counts() {
			if failed := c.Temporary + c.Permanent + c.Uncertain; failed > 0 {
				if err := say(std, "%s did not accept the message", c.Name); err != nil {
					return err
				}
			}
		}
	}
	ref := ""
	if r.receipt.Ref != "" {
		ref = " as " + r.receipt.Ref
	}
	return say(std, "%s accepted the message%s after %d ms; check on the phone whether it arrives", r.receipt.Provider, ref, r.took.Milliseconds())
}

func (r sendResult) failure() error {
	failure, ok := errors.AsType[*sms.Error](r.err)
	if !ok {
		return r.err
	}
	err := failure.Err
	if err == nil {
		err = errors.New("no reason given")
	}
	switch {
	case failure.Outcome == sms.Permanent:
		return fmt.Errorf("refused for good: %w", err)
	case failure.Outcome == sms.Uncertain || failure.Outcome == sms.Repeatable:
		return fmt.Errorf("it may have been sent or not: %w", err)
	case failure.RetryAfter > 0:
		return fmt.Errorf("not sent, to be tried again after %s: %w", failure.RetryAfter, err)
	default:
		return fmt.Errorf("not sent, to be tried again: %w", err)
	}
}
