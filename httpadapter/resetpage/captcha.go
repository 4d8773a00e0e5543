package resetpage

import (
	"context"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/challenges"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Challenger makes challenges for a proof of work by the ALTCHA protocol, version 2. The
// Verifier of package identity/altcha is a Challenger. The browser solves the challenge,
// and the solution is the captcha token of the next send.
type Challenger interface {
	// Challenge returns a challenge as JSON, for a code of r.Purpose to r.Mobile, which
	// is in E.164. r.Caller is the caller of the send that follows; r.Token is empty. An
	// error is answered as a failure of the server.
	Challenge(ctx context.Context, r identity.CaptchaRequest) ([]byte, error)
}

// Counter is the part of [identity.Limits] that the page needs.
type Counter interface {
	Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error)
}

// challenge charges the address for a challenge, and returns a challenge for the send that the person waits for. Its number is
// the number against which the service checks the token. The state may hold another
// spelling, because some countries write one number in two ways.
func (v *visit) challenge() ([]byte, error) {
	mobile, err := v.h.service.NormalizeMobile(v.state.Mobile)
	if err != nil {
		return nil, err
	}
	cfg := &v.h.cfg
	if err := challenges.Admit(v.r.Context(), cfg.Counter, cfg.ChallengesPerAddress, cfg.Address(v.r), v.now); err != nil {
		return nil, err
	}
	return cfg.Captcha.Challenge(v.r.Context(), identity.CaptchaRequest{
		Mobile: mobile, Purpose: identity.PurposeForgotPassword, Caller: v.caller(),
	})
}
