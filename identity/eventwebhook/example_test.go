package eventwebhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/eventwebhook"
)

func Example() {
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("got", r.Header.Get("webhook-id"))
	}))
	defer backend.Close()

	hook, err := eventwebhook.New(eventwebhook.Config{URL: backend.URL, Secrets: []identity.Secret{eventwebhook.NewSecret()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	// With identity.Config{OnEvent: hook.Deliver}, the service makes this call.
	err = hook.Deliver(context.Background(), audit.Event{ID: "0190f8a0-0000-7000-8000-000000000001", Type: audit.PasswordReset})
	fmt.Println("taken:", err == nil)
	// Output:
	// got 0190f8a0-0000-7000-8000-000000000001
	// taken: true
}
