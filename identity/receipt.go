package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/sms"
)

// receiptPatience is how long a receipt waits for its message. It may arrive before the
// send is recorded, which takes milliseconds, and few providers repeat a refused receipt.
const receiptPatience = time.Second

// RecordReceipt stores a provider's report about a message. The packages of senders have
// handlers that check where a report comes from. The first receipt of a message stands,
// repetitions do no harm, and no receipt causes another send.
//
// For an unknown message it waits up to a second before it returns [ErrNotFound]. Other
// errors: a receipt without provider, reference or known state, the error of ctx, and
// failures of the storage.
func (s *Service) RecordReceipt(ctx context.Context, r sms.DeliveryReceipt) error {
	if r.Provider == "" || len(r.Provider) > 64 || r.Ref == "" || len(r.Ref) > 128 {
		return errors.New("identity: receipt without provider or reference")
	}
	if r.State != sms.ReceiptDelivered && r.State != sms.ReceiptFailed {
		return errors.New("identity: receipt of an unknown state")
	}
	if len(r.Code) > 32 || strings.Trim(r.Code, receiptCodeCharacters) != "" {
		r.Code = ""
	}
	r.At = s.now()
	err := s.recordReceipt(ctx, r)
	if errors.Is(err, ErrNotFound) {
		timer := time.NewTimer(receiptPatience)
		defer timer.Stop()
		select {
		case <-timer.C:
			err = s.recordReceipt(ctx, r)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("identity: record receipt: %w", err)
	}
	s.observe(ctx, observe.Observation{Kind: observe.KindReceipt, Provider: r.Provider, Outcome: string(r.State)})
	return nil
}

func (s *Service) recordReceipt(ctx context.Context, r sms.DeliveryReceipt) error {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	return s.store.RecordReceipt(ctx, r)
}

const receiptCodeCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
