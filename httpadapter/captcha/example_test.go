package captcha_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/captcha"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func Example() {
	ctx := context.Background()
	store, secret := memory.New(), identity.NewSecret("at least thirty-two random bytes")
	verifier, err := altcha.New(altcha.Config{Secret: secret, Counter: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	service, err := identity.New(identity.Config{Store: store, SMS: &smstest.Recorder{}, Secret: secret, Captcha: verifier})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := service.RegisterClient(ctx, identity.Client{ID: "app"}); err != nil {
		fmt.Println(err)
		return
	}
	routes, err := captcha.Routes(captcha.Config{Service: service, Altcha: verifier, Counter: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := httpadapter.New(service, httpadapter.Options{Routes: routes})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	// A client asks for a challenge, solves it, and has the code sent.
	status, challenge := ask(server.URL+captcha.PathChallenge, `{"mobile":"13800138000","type":"FORGET_PWD_SMS"}`)
	fmt.Println(status)
	token, err := altcha.Solve(ctx, challenge)
	if err != nil {
		fmt.Println(err)
		return
	}
	status, _ = ask(server.URL+"/api/v2/sdk/sms/send", `{"mobile":"13800138000","type":"FORGET_PWD_SMS","captcha_token":"`+token+`"}`)
	fmt.Println(status)
	// Output:
	// 200
	// 200
}

func ask(url, body string) (status int, answer []byte) {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, nil
	}
	r.Header.Set("Content-Type", "application/json;charset=utf8")
	r.Header.Set("X-operating-sys-version", "Android 10")
	r.Header.Set("X-device-fingerprint", "156aysdna213sc50")
	r.Header.Set("X-agent", "Mozilla/5.0")
	r.Header.Set("X-client-id", "app")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	answer, _ = io.ReadAll(response.Body)
	return response.StatusCode, answer
}
