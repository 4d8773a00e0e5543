package siteverify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/siteverify"
)

func Example() {
	// This server takes the place of the company's service.
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("response") == "token of the widget" {
			_, _ = fmt.Fprint(w, `{"success":true,"hostname":"www.example.com","action":"forgot-password"}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"success":false,"error-codes":["invalid-input-response"]}`)
	}))
	defer service.Close()

	verifier, err := siteverify.New(siteverify.Config{
		Service: siteverify.Turnstile,
		Secret:  identity.NewSecret("the company's secret key"),
		Hosts:   []string{"www.example.com"},
		Action:  "forgot-password",
		URL:     service.URL, // for this example only
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, token := range []string{"token of the widget", "made up"} {
		err := verifier.VerifyCaptcha(context.Background(), identity.CaptchaRequest{Token: token})
		fmt.Println(err == nil, errors.Is(err, identity.ErrCaptchaWrong))
	}
	// Output:
	// true false
	// false true
}
