package identity_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// silentStore stops answering once it is silent: then each call lasts as long as its
// context.
type silentStore struct {
	identity.Storage
	silent bool
}

func answer[T any](s *silentStore, ctx context.Context, f func() (T, error)) (none T, err error) {
	if !s.silent {
		return f()
	}
	<-ctx.Done()
	return none, ctx.Err()
}

func done(f func() error) func() (struct{}, error) {
	return func() (struct{}, error) { return struct{}{}, f() }
}

func (s *silentStore) CreateClient(ctx context.Context, c identity.Client) error {
	_, err := answer(s, ctx, done(func() error { return s.Storage.CreateClient(ctx, c) }))
	return err
}

func (s *silentStore) ClientByID(ctx context.Context, id string) (identity.Client, error) {
	return answer(s, ctx, func() (identity.Client, error) { return s.Storage.ClientByID(ctx, id) })
}

func (s *silentStore) SetClientDisabled(ctx context.Context, id string, disabled bool) error {
	_, err := answer(s, ctx, done(func() error { return s.Storage.SetClientDisabled(ctx, id, disabled) }))
	return err
}

func (s *silentStore) ListClients(ctx context.Context, after string, max int) ([]identity.Client, error) {
	return answer(s, ctx, func() ([]identity.Client, error) { return s.Storage.ListClients(ctx, after, max) })
}

func (s *silentStore) DeleteClient(ctx context.Context, id string) error {
	_, err := answer(s, ctx, done(func() error { return s.Storage.DeleteClient(ctx, id) }))
	return err
}

func (s *silentStore) CreateUser(ctx context.Context, u identity.User) error {
	_, err := answer(s, ctx, done(func() error { return s.Storage.CreateUser(ctx, u) }))
	return err
}

func (s *silentStore) UserByMobile(ctx context.Context, tenant, mobile string) (identity.User, error) {
	return answer(s, ctx, func() (identity.User, error) { return s.Storage.UserByMobile(ctx, tenant, mobile) })
}

func (s *silentStore) UserByID(ctx context.Context, tenant, id string) (identity.User, error) {
	return answer(s, ctx, func() (identity.User, error) { return s.Storage.UserByID(ctx, tenant, id) })
}

func (s *silentStore) ListUsers(ctx context.Context, tenant, after string, max int) ([]identity.User, error) {
	return answer(s, ctx, func() ([]identity.User, error) { return s.Storage.ListUsers(ctx, tenant, after, max) })
}

func (s *silentStore) UpdateUser(ctx context.Context, c identity.UserChange) error {
	_, err := answer(s, ctx, done(func() error { return s.Storage.UpdateUser(ctx, c) }))
	return err
}

func (s *silentStore) DeleteUser(ctx context.Context, tenant, id string) error {
	_, err := answer(s, ctx, done(func() error { return s.Storage.DeleteUser(ctx, tenant, id) }))
	return err
}

func (s *silentStore) RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) error {
	_, err := answer(s, ctx, done(func() error { return s.Storage.RecordReceipt(ctx, r) }))
	return err
}

func (s *silentStore) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	return answer(s, ctx, func() ([]audit.Event, error) { return s.Storage.Events(ctx, q) })
}

func (s *silentStore) MessageStates(ctx context.Context, after string, max int) ([]outbox.Message, error) {
	return answer(s, ctx, func() ([]outbox.Message, error) { return s.Storage.MessageStates(ctx, after, max) })
}

// Every call to a storage that does not answer ends after StorageTimeout, even if its
// caller would wait for ever: a provider's receipt, an operator, a request.
func TestSilentStorageEndsEveryCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &silentStore{Storage: memory.New()}
		s := idleService(t, store, identitytest.NewClock(time.Now()), nil, func(c *identity.Config) { c.SMS = senderFunc(nil) })
		store.silent = true
		ctx, disabled := context.Background(), true
		for name, call := range map[string]func() error{
			"RegisterClient":    func() error { return s.RegisterClient(ctx, identity.Client{ID: "a"}) },
			"Client":            func() error { _, err := s.Client(ctx, "a"); return err },
			"SetClientDisabled": func() error { return s.SetClientDisabled(ctx, "a", true) },
			"Clients":           func() error { _, err := s.Clients(ctx, "", 1); return err },
			"DeleteClient":      func() error { return s.DeleteClient(ctx, "a") },
			"CreateUser": func() error {
				_, err := s.CreateUser(ctx, identity.NewUser{Mobile: number, PasswordHash: identity.NewSecret(bcryptHash)})
				return err
			},
			"UserByMobile": func() error { _, err := s.UserByMobile(ctx, "", number); return err },
			"UserByID":     func() error { _, err := s.UserByID(ctx, "", "u"); return err },
			"Users":        func() error { _, err := s.Users(ctx, "", "", 1); return err },
			"UpdateUser":   func() error { return s.UpdateUser(ctx, identity.UserChange{ID: "u", Disabled: &disabled}) },
			"DeleteUser":   func() error { return s.DeleteUser(ctx, "", "u") },
			"Events":       func() error { _, err := s.Events(ctx, audit.Query{Max: 1}); return err },
			"Messages":     func() error { _, err := s.Messages(ctx, "", 1); return err },
			"RecordReceipt": func() error {
				return s.RecordReceipt(ctx, sms.DeliveryReceipt{Provider: "p", Ref: "r", State: sms.ReceiptDelivered})
			},
			"SendVerifyCode": func() error {
				return s.SendVerifyCode(ctx, identity.SendRequest{Caller: caller(), Mobile: number, Purpose: identity.PurposeForgotPassword})
			},
		} {
			ended := make(chan error, 1)
			go func() { ended <- call() }()
			select {
			case err := <-ended:
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", name, err)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%s waits for ever", name)
			}
		}
	})
}
