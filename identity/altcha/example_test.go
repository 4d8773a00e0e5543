package altcha_test

import (
	"context"
	"fmt"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func Example() {
	ctx := context.Background()
	store := memory.New() // the same storage as the service
	verifier, err := altcha.New(altcha.Config{
		Secret:  identity.NewSecret("at least thirty-two random bytes"),
		Counter: store,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	request := identity.CaptchaRequest{Mobile: "+8613800138000", Purpose: identity.PurposeForgotPassword}

	// The server makes a challenge for the number.
	challenge, err := verifier.Challenge(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	// The client solves it. In a browser the ALTCHA widget does this.
	request.Token, err = altcha.Solve(ctx, challenge)
	if err != nil {
		fmt.Println(err)
		return
	}
	// The service makes this call before it sends the code.
	fmt.Println(verifier.VerifyCaptcha(ctx, request))
	fmt.Println(verifier.VerifyCaptcha(ctx, request))
	// Output:
	// <nil>
	// altcha: the challenge was used before: identity: captcha token expired
}
