package resetpage

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity"
)

// Challenger gives challenges for a proof of work by the ALTCHA protocol, version
// 2. The Verifier of package identity/altcha is one. The browser solves the
// challenge, and the solution is the captcha token of the next send.
type Challenger interface {
	// Challenge returns a challenge as JSON, for a code of r.Purpose to r.Mobile, which
	// is E.164. r.Caller is the caller of the send that follows; r.Token is empty. An
	// error is a failure of our own.
	Challenge(ctx context.Context, r identity.CaptchaRequest) ([]byte, error)
}

// challenge is a challenge for the send that the person waits for. The number is
// the one that the service has the token checked against: it is not always what
// the state holds, because some countries write one telephone in two ways.
func (v *visit) challenge() ([]byte, error) {
	mobile, err := v.h.service.NormalizeMobile(v.state.Mobile)
	if err != nil {
		return nil, err
	}
	return v.h.cfg.Captcha.Challenge(v.r.Context(), identity.CaptchaRequest{
		Mobile: mobile, Purpose: identity.PurposeForgotPassword, Caller: v.caller(),
	})
}
