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

func Example() {
	service, err := identity.New(identity.Config{
		Store:  memory.New(),
		SMS:    &smstest.Recorder{},
		Secret: identity.NewSecret("at least thirty-two random bytes"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := service.RegisterClient(context.Background(), identity.Client{ID: "app"}); err != nil {
		fmt.Println(err)
		return
	}
	handler, err := httpadapter.New(service, httpadapter.Options{Prefix: "/auth"})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", handler)
	server := httptest.NewServer(mux)
	defer server.Close()

	request, err := http.NewRequest(http.MethodPost, server.URL+"/auth/api/v2/sdk/pwd/update-by-mobile",
		strings.NewReader(`{"mobile":"13800138000","verify_code":"123456","password":"violet-Harbor-93"}`))
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
	body, _ := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(body))
	// Output:
	// 400 {"error_code":"SDK.SMS.1005","error_msg":"The SMS verification code is incorrect or has expired."}
}
