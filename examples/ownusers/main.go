// Command ownusers shows Rekey on an application's own table of people: an
// existing database, with columns of its own and integer ids, is told to the
// store by name, and a reset changes the row of the application.
//
//	go run ./examples/ownusers
//
// It also creates an account together with the person, in one transaction. It
// works on a temporary SQLite file, exits with 0 if every step went as it
// should, and otherwise says in one sentence what did not.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// schema is the application's, as it was before Rekey came.
const schema = `
CREATE TABLE accounts (
	account_no  INTEGER PRIMARY KEY,
	name        TEXT NOT NULL DEFAULT '',
	phone       TEXT NOT NULL UNIQUE,
	phone_ok_at TEXT,
	secret      TEXT,
	secret_at   TEXT,
	blocked     INTEGER NOT NULL DEFAULT 0,
	closed_at   TEXT,
	balance     INTEGER NOT NULL DEFAULT 0
);
INSERT INTO accounts (account_no, name, phone, phone_ok_at, secret, balance) VALUES
	(1001, 'Li Wei', '+8613912345678', '2024-02-29 12:00:00.000', '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', 250);`

// accounts tells the store where the application keeps what.
var accounts = bunstore.UsersTable{
	Table: "accounts", ID: "account_no", IDType: bunstore.IDInteger, Mobile: "phone", PasswordHash: "secret",
	VerifiedAt: "phone_ok_at", PasswordChangedAt: "secret_at", Disabled: "blocked",
	Times: bunstore.TimeTimestamp, Where: "closed_at IS NULL",
}

const (
	clientID    = "shop"
	mobile      = "13912345678"
	newPassword = "amber-Lantern-27"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ownusers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "rekey-ownusers-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	// The application's database is there first; Rekey adds tables named rekey_….
	path := filepath.Join(dir, "shop.db")
	store, err := sqlite.Connect(path, bunstore.WithUsers(accounts))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	db := store.DB()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	if err := show(ctx, out, db, "The application's account before:"); err != nil {
		return err
	}

	phone := make(telephone, 4)
	service, err := identity.New(identity.Config{Store: store, SMS: phone, Secret: identity.NewSecret(rand.Text() + rand.Text())})
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(ctx)
	delivered := make(chan error, 1)
	go func() { delivered <- service.Run(background) }()
	defer func() { stop(); err = errors.Join(err, <-delivered) }()
	if err := service.RegisterClient(ctx, identity.Client{ID: clientID}); err != nil {
		return err
	}
	if err := reset(ctx, service, phone); err != nil {
		return err
	}
	if err := show(ctx, out, db, "The same account after the reset:"); err != nil {
		return err
	}
	user, err := service.Authenticate(ctx, identity.LoginRequest{Mobile: mobile, Password: identity.NewSecret(newPassword)})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "The new password logs account %s in.\n", user.ID)
	return open(ctx, out, service, store)
}

// reset asks for a code and uses it, over the documented routes.
func reset(ctx context.Context, service *identity.Service, phone telephone) error {
	handler, err := httpadapter.New(service, httpadapter.Options{})
	if err != nil {
		return err
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	if err := post(ctx, server.URL+"/api/v2/sdk/sms/send", `{"mobile":"`+mobile+`","type":"FORGET_PWD_SMS"}`); err != nil {
		return err
	}
	var code string
	select {
	case m := <-phone:
		code = m.Params["code"]
	case <-ctx.Done():
		return errors.New("no code arrived")
	}
	return post(ctx, server.URL+"/api/v2/sdk/pwd/update-by-mobile", `{"mobile":"`+mobile+`","verify_code":"`+code+`","password":"`+newPassword+`"}`)
}

// open makes an account and its person together: both, or neither. The password
// is hashed before the transaction begins, which no hash should keep open.
func open(ctx context.Context, out io.Writer, service *identity.Service, store *sqlite.Store) error {
	user, err := service.PrepareUser(ctx, identity.NewUser{ID: "1002", Mobile: "13987654321", Password: identity.NewSecret("granite-Willow-58")})
	if err != nil {
		return err
	}
	err = store.DB().RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := service.InsertUser(ctx, store.WithTx(tx), user); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET name = ?, balance = ? WHERE account_no = ?", "Zhang San", 100, user.ID)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := service.Authenticate(ctx, identity.LoginRequest{Mobile: "13987654321", Password: identity.NewSecret("granite-Willow-58")}); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "Opened account 1002 together with its person, in one transaction.")
	return err
}

// show prints the account, but for its hash's end.
func show(ctx context.Context, out io.Writer, db *bun.DB, title string) error {
	var name, secret string
	var changed *string
	var balance int
	if err := db.QueryRowContext(ctx, "SELECT name, secret, secret_at, balance FROM accounts WHERE account_no = 1001").Scan(&name, &secret, &changed, &balance); err != nil {
		return err
	}
	at := "never"
	if changed != nil {
		at = *changed
	}
	_, err := fmt.Fprintf(out, "%s %s, balance %d, secret %.12s…, set %s\n", title, name, balance, secret, at)
	return err
}

func post(ctx context.Context, url, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json;charset=utf8", "X-operating-sys-version": "Android 10", "X-device-fingerprint": "phone-1",
		"X-agent": "ownusers", "X-L": "en", "X-client-id": clientID,
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d %s, %v", url, response.StatusCode, answer, err)
	}
	return nil
}

// telephone is the person's: an [sms.Sender] is this much.
type telephone chan sms.Message

func (t telephone) Send(_ context.Context, m sms.Message) (sms.Accepted, error) {
	t <- m
	return sms.Accepted{Provider: "telephone"}, nil
}
