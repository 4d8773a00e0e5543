package resetpage

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity"
)

// Challenger gives challenges for a proof of work by the ALTCHA protocol. The
// browser solves one, and the solution is the captcha token of the next send.
type Challenger interface {
	// Challenge returns the challenge for a send to the number, as ALTCHA's JSON
	// object of algorithm, challenge, salt, signature and maxnumber. The number is
	// the one that the service is asked with. The token is the Base64 of a JSON
	// object with the challenge's members and the number found.
	Challenge(ctx context.Context, mobile string, purpose identity.Purpose) ([]byte, error)
}
