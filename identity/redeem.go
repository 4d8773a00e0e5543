package identity

import (
	"context"
	"errors"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// RedeemRequest is a request to use a code whose purpose is not the reset.
type RedeemRequest struct {
	Caller
	Mobile  string
	Purpose Purpose
	Code    Secret
	// UserID, for PurposeBindMobile and PurposeUpdateMobile, is the user who gets the
	// number. It is trusted, because the application knows which user is signed in.
	UserID string
}

// Redeemed is what a redeemed code proves.
type Redeemed struct {
	// Mobile is the number that the caller has proved to hold, in E.164.
	Mobile string
	// User is the user of the number; the zero User for PurposeRegister.
	User User
}

// RedeemVerifyCode uses a code whose purpose is not the reset, once, with the limits and
// answers of a reset. Call it for the purposes in [Config.Purposes].
//
// For PurposeLogin and PurposeResetOTP it returns the user of the number; the application
// signs the user in. PurposeRegister proves a number that has no user; create the user next.
// For PurposeBindMobile and PurposeUpdateMobile, the transaction that uses the code also
// gives the number, as verified, to the user r.UserID.
//
// Errors: [ErrUnknownPurpose] for a purpose that is not served and for
// PurposeForgotPassword, which [Service.ResetByMobile] redeems; [ErrClientMissing],
// [ErrDeviceMissing], [ErrClientNotFound], [ErrClientDisabled],
// [ErrTenantMissing], [ErrInvalidMobile], [ErrCodeRefused], [*RateLimitedError],
// [*BusyError]; anything else is a failure of storage or a [*HookError].
func (s *Service) RedeemVerifyCode(ctx context.Context, r RedeemRequest) (Redeemed, error) {
	start := time.Now()
	redeemed, err := s.redeemVerifyCode(ctx, r)
	if errors.Is(err, ErrCodeRefused) {
		s.level(ctx, start)
	}
	return redeemed, err
}

func (s *Service) redeemVerifyCode(ctx context.Context, r RedeemRequest) (Redeemed, error) {
	binds := r.Purpose == PurposeBindMobile || r.Purpose == PurposeUpdateMobile
	if !s.serves(r.Purpose) || r.Purpose == PurposeForgotPassword {
		return Redeemed{}, ErrUnknownPurpose
	}
	if binds && (r.UserID == "" || s.cfg.Users != nil) {
		if s.cfg.Users != nil {
			return Redeemed{}, ErrUnsupported
		}
		return Redeemed{}, errors.New("identity: RedeemRequest.UserID is missing")
	}
	g, err := s.newGuess(ctx, r.Caller, r.Purpose, r.Mobile, r.Code)
	if err != nil {
		return Redeemed{}, err
	}
	defer g.turn.leave()
	if g.notACode {
		return Redeemed{}, s.refuseNotACode(ctx, g)
	}
	if err := s.charge(ctx, g); err != nil {
		return Redeemed{}, err
	}
	if refused, err := s.judge(ctx, g); err != nil {
		s.release(ctx, g)
		return Redeemed{}, err
	} else if refused != "" {
		return Redeemed{}, s.refuse(ctx, g, refused)
	}
	event, err := s.trail.event(s.now(), audit.CodeRedeemed, g.scope, g.caller, g.purpose, g.number)
	if err != nil {
		s.release(ctx, g)
		return Redeemed{}, err
	}
	redemption := Redemption{
		Now: g.at, CodeID: g.code.ID, NumberKey: g.code.NumberKey, ClientID: g.scope.client.ID, Changes: s.changes(g),
	}
	event.UserID = g.user.ID
	if binds {
		mobile, now := g.number.E164(), s.now()
		redemption.User = &UserChange{Tenant: g.scope.tenant, ID: r.UserID, Mobile: &mobile, VerifiedAt: &now}
		event.UserID = r.UserID
	}
	redemption.Event = event
	if redemption.Messages, err = s.trail.messages(event); err != nil {
		s.release(ctx, g)
		return Redeemed{}, err
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if err := s.committed(ctx, g, s.store.RedeemCode(callCtx, redemption)); err != nil {
		return Redeemed{}, err
	}
	s.observeEvent(event, g.code.Provider)
	s.relay.wake(outbox.LaneEvent)
	redeemed := Redeemed{Mobile: g.number.E164(), User: g.user}
	if binds {
		redeemed.User, err = s.UserByID(ctx, g.scope.tenant, r.UserID)
	}
	return redeemed, err
}
