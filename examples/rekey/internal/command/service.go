package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
)

// withService runs an action of an operator, which sends nothing.
func withService(ctx context.Context, f *settings.Set, d *database.Database, c identity.Config, std Streams, do func(*identity.Service) error) error {
	return withOpen(ctx, f, d, c, std, func(o *database.Open) error { return do(o.Service) })
}

// withOpen is withService for an action that needs the store too.
func withOpen(ctx context.Context, f *settings.Set, d *database.Database, c identity.Config, std Streams, do func(*database.Open) error) error {
	c.SMS = noSender{}
	if err := settings.Check(c); err != nil {
		return err
	}
	service, err := d.OpenService(ctx, c)
	if err != nil {
		return err
	}
	for _, warning := range f.Warnings {
		_, _ = fmt.Fprintf(std.Err, "%s: warning: %s\n", program, warning)
	}
	return errors.Join(do(service), service.Close())
}

// noSender stands where only Run would send.
type noSender struct{}

func (noSender) Send(context.Context, sms.Message) (sms.Accepted, error) {
	return sms.Accepted{}, &sms.Error{Err: errors.New("no messages are sent by this command")}
}
