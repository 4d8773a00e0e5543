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

// A receipt may overtake the record of the send that it is about, which takes
// milliseconds. Few providers repeat a receipt that is refused.
const receiptPatience = time.Second

// RecordReceipt keeps what a provider says became of a message; the sender
// packages have handlers that check who says so. The first receipt of a message
// stands, repetitions do no harm, and none makes anything be sent again.
//
// For a message that is not known it waits up to a second before it answers
// [ErrNotFound]. Other errors: a receipt without provider, reference or a known
// state, ctx's, and failures of storage.
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
	err := s.store.RecordReceipt(ctx, r)
	if errors.Is(err, ErrNotFound) {
		timer := time.NewTimer(receiptPatience)
		defer timer.Stop()
		select {
		case <-timer.C:
			err = s.store.RecordReceipt(ctx, r)
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

const receiptCodeCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
