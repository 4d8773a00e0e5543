package identity_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// receiptStore is a store that keeps a receipt from the call on that a test names.
type receiptStore struct {
	*memory.Store
	calls, from atomic.Int64
	got         sms.DeliveryReceipt
}

func (s *receiptStore) RecordReceipt(_ context.Context, r sms.DeliveryReceipt) error {
	if s.calls.Add(1) < s.from.Load() {
		return identity.ErrNotFound
	}
	s.got = r
	return nil
}

func receiptService(t *testing.T, s identity.Storage) *identity.Service {
	t.Helper()
	svc, err := identity.New(identity.Config{Store: s, SMS: noProvider{}, Secret: identity.NewSecret(strings.Repeat("s", 32)),
		Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return svc
}

type noProvider struct{}

func (noProvider) Send(context.Context, sms.Message) (sms.Accepted, error) {
	return sms.Accepted{}, errors.New("no provider")
}

func TestRecordReceipt(t *testing.T) {
	t.Parallel()
	s := &receiptStore{Store: memory.New()}
	svc := receiptService(t, s)
	good := sms.DeliveryReceipt{Provider: "twilio", Ref: "SM1", State: sms.ReceiptFailed, Code: "30008", At: time.Unix(1, 0)}
	if err := svc.RecordReceipt(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	want := good
	want.At = time.Unix(1_700_000_000, 0)
	if diff := cmp.Diff(want, s.got); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
	for _, code := range []string{"30008\n", "error: <b>", "код", strings.Repeat("1", 33)} {
		r := good
		r.Code = code
		if err := svc.RecordReceipt(t.Context(), r); err != nil || s.got.Code != "" {
			t.Errorf("code %q is kept as %q, %v", code, s.got.Code, err)
		}
	}
	calls := s.calls.Load()
	for name, change := range map[string]func(*sms.DeliveryReceipt){
		"no provider":   func(r *sms.DeliveryReceipt) { r.Provider = "" },
		"long provider": func(r *sms.DeliveryReceipt) { r.Provider = strings.Repeat("p", 65) },
		"no reference":  func(r *sms.DeliveryReceipt) { r.Ref = "" },
		"long reference": func(r *sms.DeliveryReceipt) {
			r.Ref = strings.Repeat("r", 129)
		},
		"no state":      func(r *sms.DeliveryReceipt) { r.State = "" },
		"another state": func(r *sms.DeliveryReceipt) { r.State = "pending" },
	} {
		r := good
		change(&r)
		if err := svc.RecordReceipt(t.Context(), r); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
	if s.calls.Load() != calls {
		t.Error("a receipt that is refused reached storage")
	}
}

// A receipt that arrives before its send is recorded is kept nevertheless. A receipt
// for an unknown message does not hold its caller for long.
func TestEarlyReceipt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &receiptStore{Store: memory.New()}
		svc := receiptService(t, s)
		r := sms.DeliveryReceipt{Provider: "twilio", Ref: "SM1", State: sms.ReceiptDelivered}
		s.from.Store(2)
		if err := svc.RecordReceipt(t.Context(), r); err != nil {
			t.Errorf("early: %v", err)
		}
		s.from.Store(100)
		start := time.Now()
		if err := svc.RecordReceipt(t.Context(), r); !errors.Is(err, identity.ErrNotFound) || time.Since(start) > 2*time.Second {
			t.Errorf("unknown: %v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := svc.RecordReceipt(ctx, r); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled: %v", err)
		}
	})
}
