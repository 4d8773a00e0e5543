package command

import (
	"context"
	"errors"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/server"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/sms"
)

// operator holds the flags of every command that works on the database.
type operator struct {
	set    *settings.Set
	db     database.Database
	config identity.Config
	events string // the URL that serve posts events to; empty for none
}

// changeFlags defines the flags of a command that changes something.
func (o *operator) changeFlags(f *settings.Set) {
	o.set, o.config = f, settings.Defaults()
	o.db.Flags(f)
	server.EventsFlag(f, &o.events)
	f.Events(&o.config)
}

// readFlags defines the flags of a command that only reads.
func (o *operator) readFlags(f *settings.Set) {
	o.set, o.config = f, settings.Defaults()
	o.db.AddressFlag(f)
}

// withService runs do on a service that sends nothing. If there is no database, it is
// made.
func (o *operator) withService(ctx context.Context, std Streams, do func(*identity.Service) error) error {
	return o.withOpen(ctx, std, func(open *database.Open) error { return do(open.Service) })
}

// withOpen is withService for a function that also needs the store.
func (o *operator) withOpen(ctx context.Context, std Streams, do func(*database.Open) error) error {
	c := o.config
	c.SMS = noSender{}
	if o.events != "" {
		c.OnEvent = noWebhook
	}
	if err := settings.Check(c); err != nil {
		return err
	}
	service, err := o.db.OpenService(ctx, c)
	if err != nil {
		return err
	}
	warn(std, o.set.Warnings)
	return errors.Join(do(service), service.Close())
}

// noWebhook is the event hook of commands that do not call Run: they only queue events,
// which serve posts.
func noWebhook(context.Context, audit.Event) error {
	return errors.New("no events are posted by this command")
}

// noSender is the sender of commands that do not call Run, and so never send.
type noSender struct{}

func (noSender) Send(context.Context, sms.Message) (sms.Accepted, error) {
	return sms.Accepted{}, &sms.Error{Err: errors.New("no messages are sent by this command")}
}
