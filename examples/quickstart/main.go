// Command quickstart does the whole job once, in one process, and says each
// step: a person forgot the password, asks for a code by SMS, and sets a new one.
//
//	go run ./examples/quickstart
//
// It uses what a deployment uses: a SQLite file (a temporary one), the documented
// routes over HTTP on the loopback interface, and messages delivered from the
// outbox. Only the telephone is made up. It exits with 0 if every step went as it
// should, and otherwise says in one sentence what did not.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

const (
	clientID    = "DRrYIqauawN0I8myTMoDTPys6ezGZxnm"
	mobile      = "12345678901"
	oldPassword = "violet-Harbor-93"
	newPassword = "amber-Lantern-27"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	// A store, a sender and a secret are all that the service needs.
	dir, err := os.MkdirTemp("", "rekey-quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "rekey.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	phone := make(telephone, 2)
	service, err := identity.New(identity.Config{
		Store:  store,
		SMS:    phone,
		Secret: identity.NewSecret(rand.Text() + rand.Text()), // in a deployment: the same at each start
	})
	if err != nil {
		return err
	}

	// Run delivers the messages; the handler serves the documented routes.
	background, stop := context.WithCancel(ctx)
	delivered := make(chan error, 1)
	go func() { delivered <- service.Run(background) }()
	defer func() { stop(); err = errors.Join(err, <-delivered) }()
	url, shutdown, err := listen(service)
	if err != nil {
		return err
	}
	defer shutdown()
	step := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	step("Listening on %s, on a new SQLite database.", url)

	// Before the first request, register the application and the person.
	if err := service.RegisterClient(ctx, identity.Client{ID: clientID, Name: "quickstart"}); err != nil {
		return err
	}
	if _, err := service.CreateUser(ctx, identity.NewUser{Mobile: mobile, Verified: true, Password: identity.NewSecret(oldPassword)}); err != nil {
		return err
	}
	step("Registered the application %s and the user %s.", clientID, mobile)

	// The person forgot the password and asks for a code.
	answer, err := post(ctx, url+"/api/v2/sdk/sms/send", map[string]string{"mobile": mobile, "type": "FORGET_PWD_SMS"})
	if err := answer.expect(err, http.StatusOK, ""); err != nil {
		return fmt.Errorf("asking for a code: %w", err)
	}
	step("Asked for a code: 200.")
	message, err := phone.next(ctx, sms.KindVerifyCode)
	if err != nil {
		return err
	}
	step("SMS to %s: %s", message.To, message.Text)

	// The documented request, with the code that arrived.
	reset := map[string]string{"mobile": mobile, "verify_code": message.Params["code"], "password": newPassword}
	answer, err = post(ctx, url+"/api/v2/sdk/pwd/update-by-mobile", reset)
	if err := answer.expect(err, http.StatusOK, ""); err != nil {
		return fmt.Errorf("resetting the password: %w", err)
	}
	step("Set a new password with it: 200, empty body.")

	// The same service checks passwords, so that a login and the reset agree.
	if err := login(ctx, service, oldPassword); !errors.Is(err, identity.ErrWrongCredentials) {
		return fmt.Errorf("the old password should be refused, got %v", err)
	}
	step("The old password is refused.")
	if err := login(ctx, service, newPassword); err != nil {
		return fmt.Errorf("the new password should be accepted, got %w", err)
	}
	step("The new password is accepted.")

	// A code works once.
	answer, err = post(ctx, url+"/api/v2/sdk/pwd/update-by-mobile", reset)
	if err := answer.expect(err, http.StatusBadRequest, "SDK.SMS.1005"); err != nil {
		return fmt.Errorf("using the code again: %w", err)
	}
	step("The code again: 400 %s", answer.body)

	// A notice goes to the person, in case that another person did it.
	notice, err := phone.next(ctx, sms.KindPasswordChanged)
	if err != nil {
		return err
	}
	step("SMS to %s: %s", notice.To, notice.Text)
	return nil
}

// telephone is the person's: an [sms.Sender] is this much.
type telephone chan sms.Message

func (t telephone) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	select {
	case t <- m:
		return sms.Accepted{Provider: "telephone"}, nil
	case <-ctx.Done():
		return sms.Accepted{}, ctx.Err()
	}
}

func (t telephone) next(ctx context.Context, kind sms.Kind) (sms.Message, error) {
	select {
	case m := <-t:
		if m.Kind != kind {
			return m, fmt.Errorf("an SMS of kind %s arrived instead of %s", m.Kind, kind)
		}
		return m, nil
	case <-ctx.Done():
		return sms.Message{}, fmt.Errorf("no SMS of kind %s arrived", kind)
	}
}

// listen serves the documented routes on a free port of the loopback interface.
func listen(service *identity.Service) (url string, shutdown func(), err error) {
	handler, err := httpadapter.New(service, httpadapter.Options{})
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // a server that fails answers no request below
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

type answer struct {
	status int
	body   []byte
}

// post sends a body with the headers of the documented example.
func post(ctx context.Context, url string, fields map[string]string) (answer, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return answer{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, value := range map[string]string{
		"Content-Type":            "application/json;charset=utf8",
		"X-operating-sys-version": "Android 10",
		"X-device-fingerprint":    "156aysdna213sac",
		"X-device-ip":             "10.10.10.1",
		"X-agent": "Mozilla/5.0 (Linux; Android 10; Redmi K30 Build/QKQ1.190825.002; wv) AppleWebKit/537.36 (KHTML, like Gecko) " +
			"Version/4.0 Chrome/80.0.3987.99 Mobile Safari/537.36",
		"X-L":         "zh",
		"X-client-id": clientID,
		"X-tenant-id": "08f770f51f80d2f40f38c00cb199fd21",
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, got}, err
}

// expect checks the status, and the body: an error with the code, or nothing.
func (a answer) expect(err error, status int, code string) error {
	if err != nil {
		return err
	}
	var refusal struct {
		Code string `json:"error_code"`
	}
	if len(a.body) > 0 {
		if err := json.Unmarshal(a.body, &refusal); err != nil {
			return fmt.Errorf("answered %d with %q", a.status, a.body)
		}
	}
	if a.status != status || refusal.Code != code {
		return fmt.Errorf("answered %d %s", a.status, a.body)
	}
	return nil
}

func login(ctx context.Context, service *identity.Service, password string) error {
	_, err := service.Authenticate(ctx, identity.LoginRequest{Mobile: mobile, Password: identity.NewSecret(password)})
	return err
}
