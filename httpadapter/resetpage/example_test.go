package resetpage_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"

	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func ExampleNew() {
	secret := identity.NewSecret("at least thirty-two random bytes")
	service, err := identity.New(identity.Config{Store: memory.New(), SMS: &smstest.Recorder{}, Secret: secret})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := service.RegisterClient(context.Background(), identity.Client{ID: "app"}); err != nil {
		fmt.Println(err)
		return
	}

	page, err := resetpage.New(service, resetpage.Config{
		ClientID:    "app",
		Secret:      secret,
		ServiceName: "Harbour",
		SignInURL:   "/sign-in",
		Accent:      "#3b5bdb",
		Texts:       resetpage.Texts{"en": {"number.title": "Locked out of {service}?"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/reset-password", page)
	mux.Handle("/reset-password/", page)
	mux.Handle("/.well-known/change-password", page)
	server := httptest.NewServer(mux)
	defer server.Close()

	response, err := http.Get(server.URL + "/.well-known/change-password")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	fmt.Println(response.Request.URL.Path, response.StatusCode)
	fmt.Println(string(regexp.MustCompile(`<title>.*</title>`).Find(body)))
	// Output:
	// /reset-password 200
	// <title>Locked out of Harbour? – Harbour</title>
}
