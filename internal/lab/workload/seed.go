package workload

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/sms"
)

// SeedDatabase registers the client in a database and makes the users from number 0 up
// to, but not including, last, for a server with this secret.
func SeedDatabase(ctx context.Context, d *databases.Database, secret string, last int) error {
	err := seeding(ctx, d, secret, func(s *identity.Service) error { return s.RegisterClient(ctx, identity.Client{ID: ClientID}) })
	return errors.Join(err, SeedUsers(ctx, d, secret, 0, last))
}

// SeedUsers makes the users from first up to, but not including, last.
func SeedUsers(ctx context.Context, d *databases.Database, secret string, first, last int) error {
	return seeding(ctx, d, secret, func(svc *identity.Service) error {
		const together = 16
		var next atomic.Int64
		next.Store(int64(first))
		var wg sync.WaitGroup
		errs := make([]error, together)
		for i := range errs {
			wg.Go(func() {
				for n := int(next.Add(1)) - 1; n < last && errs[i] == nil; n = int(next.Add(1)) - 1 {
					_, errs[i] = svc.CreateUser(ctx, identity.NewUser{Mobile: Number(n), Verified: true, PasswordHash: identity.NewSecret(oldHash)})
				}
			})
		}
		wg.Wait()
		return errors.Join(errs...)
	})
}

// seeding calls f with a service on the database. The service sends nothing.
func seeding(ctx context.Context, d *databases.Database, secret string, f func(*identity.Service) error) error {
	store, err := d.Open(ctx, 16)
	if err != nil {
		return err
	}
	svc, err := identity.New(identity.Config{Store: store, SMS: noSender{}, Secret: identity.NewSecret(secret)})
	if err == nil {
		err = f(svc)
	}
	return errors.Join(err, store.DB().Close())
}

// noSender sends no message.
type noSender struct{}

// Send implements sms.Sender.
func (noSender) Send(context.Context, sms.Message) (sms.Accepted, error) {
	return sms.Accepted{}, errors.New("this program sends no messages")
}
