package httpadapter_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// The documented calls, against a service in memory.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	phone := &smstest.Recorder{}
	service, err := identity.New(identity.Config{
		Store:  memory.New(),
		SMS:    phone,
		Secret: identity.NewSecret("at least thirty-two random bytes"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := service.EnsureClient(ctx, identity.Client{ID: "app"}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := service.CreateUser(ctx, identity.NewUser{Mobile: "13800138000", Verified: true, Password: identity.NewSecret("copper-Lantern-47")}); err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = service.Run(ctx) }()
	handler, err := httpadapter.New(service, httpadapter.Options{Prefix: "/auth"})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", handler)
	server := httptest.NewServer(mux)
	defer server.Close()

	post := func(path, body string) {
		request, err := http.NewRequest(http.MethodPost, server.URL+path, strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		request.Header.Set("Content-Type", "application/json;charset=utf8")
		request.Header.Set("X-operating-sys-version", "Android 10")
		request.Header.Set("X-device-fingerprint", "156aysdna213sc50")
		request.Header.Set("X-agent", "Mozilla/5.0")
		request.Header.Set("X-client-id", "app")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer response.Body.Close()
		answer, _ := io.ReadAll(response.Body)
		fmt.Println(strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, answer)))
	}
	post("/auth/api/v2/sdk/sms/send", `{"mobile":"13800138000","type":"FORGET_PWD_SMS"}`)
	message, err := phone.Next(ctx, "+8613800138000")
	if err != nil {
		fmt.Println(err)
		return
	}
	reset := `{"mobile":"13800138000","verify_code":"` + message.Params["code"] + `","password":"violet-Harbor-93"}`
	post("/auth/api/v2/sdk/pwd/update-by-mobile", reset)
	post("/auth/api/v2/sdk/pwd/update-by-mobile", reset)
	// Output:
	// 200
	// 200
	// 400 {"error_code":"SDK.SMS.1005","error_msg":"The SMS verification code is incorrect or has expired."}
}
