package httpadapter_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// Web pages of your own. The device is a random id in a cookie, which is set when the
// page with the form is shown.
func ExampleCallerSource_FromPage() {
	ctx := context.Background()
	service, err := identity.New(identity.Config{
		Store: memory.New(), SMS: &smstest.Recorder{}, Secret: identity.NewSecret("at least thirty-two random bytes"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := service.RegisterClient(ctx, identity.Client{ID: "web"}); err != nil {
		fmt.Println(err)
		return
	}
	callers, err := httpadapter.NewCallerSource(httpadapter.CallerOptions{ClientID: "web"})
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/forgot", func(w http.ResponseWriter, r *http.Request) {
		callers.FromPage(w, r)
		fmt.Fprint(w, "the form")
	})
	mux.HandleFunc("POST /auth/forgot", func(w http.ResponseWriter, r *http.Request) {
		err := service.SendVerifyCode(r.Context(), identity.SendRequest{
			Caller: callers.FromPage(w, r), Mobile: r.FormValue("mobile"), Purpose: identity.PurposeForgotPassword,
		})
		if err != nil {
			httpadapter.WriteError(w, r, err)
			return
		}
		http.Redirect(w, r, "/auth/reset", http.StatusSeeOther)
	})

	show := httptest.NewRecorder()
	mux.ServeHTTP(show, httptest.NewRequest("GET", "/auth/forgot", nil))
	device := show.Result().Cookies()[0]
	fmt.Println(device.Name, device.HttpOnly, device.Secure)

	for _, mobile := range []string{"110", "13800138000"} {
		form := url.Values{"mobile": {mobile}}
		r := httptest.NewRequest("POST", "/auth/forgot", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(device)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// __Host-rekey-device true true
	// 400 {"error_code":"USER.0038","error_msg":"Invalid mobile number."}
	// 303
}

// JSON routes of your own that take the documented headers.
func ExampleCallerSource_FromHeaders() {
	callers, err := httpadapter.NewCallerSource(httpadapter.CallerOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("POST", "/auth/reset", nil)
	r.Header.Set("X-client-id", "app")
	_, err = callers.FromHeaders(r)
	fmt.Println(errors.Is(err, identity.ErrDeviceMissing))
	// Output: true
}

// Answers in your own format, with the documented statuses.
func ExampleStatus() {
	status, retryAfter := httpadapter.Status(&identity.RateLimitedError{RetryAfter: 42e9})
	fmt.Println(status, retryAfter)
	// Output: 429 42s
}
