package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-chi/chi/v5"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/bcrypthash"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// clientID is this application, as Rekey knows it.
const clientID = "shop"

// app is the application.
type app struct {
	store    *bunstore.Store
	rekey    *identity.Service
	callers  *httpadapter.CallerSource
	sessions *scs.SessionManager
}

func newApp(ctx context.Context, store *bunstore.Store, sender sms.Sender) (*app, error) {
	hasher, err := bcrypthash.New(bcrypthash.Options{Cost: 10})
	if err != nil {
		return nil, err
	}
	service, err := identity.New(identity.Config{
		Store:          store,
		SMS:            sender,
		Secret:         identity.NewSecret(rand.Text() + rand.Text()), // a real one is kept: codes die with it
		PasswordHasher: hasher,
		Purposes:       []identity.Purpose{identity.PurposeForgotPassword, identity.PurposeRegister},
	})
	if err != nil {
		return nil, err
	}
	if err := service.EnsureClient(ctx, identity.Client{ID: clientID, Name: "The shop"}); err != nil {
		return nil, err
	}
	// InsecureCookie is for plain HTTP on this machine: leave it out behind HTTPS, and name
	// your proxies in TrustedProxies.
	callers, err := httpadapter.NewCallerSource(httpadapter.CallerOptions{ClientID: clientID, InsecureCookie: true})
	if err != nil {
		return nil, err
	}
	sessions := scs.New()
	sessions.Lifetime = 30 * 24 * time.Hour
	return &app{store: store, rekey: service, callers: callers, sessions: sessions}, nil
}

func (a *app) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(http.NewCrossOriginProtection().Handler, limitBody, a.sessions.LoadAndSave)
	r.Post("/auth/forgot", a.forgot)
	r.Post("/auth/reset", a.reset)
	r.Post("/auth/login", a.login)
	r.Post("/auth/password", a.changePassword)
	r.Post("/auth/register/code", a.registerCode)
	r.Post("/auth/register", a.register)
	r.Get("/me", a.me)
	return r
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		next.ServeHTTP(w, r)
	})
}

// answer is 204, or what an error of the service is for the person. The device's
// cookie is set by then.
func answer(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		httpadapter.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// forgot sends a code. It answers 204 whether or not the number has an account.
func (a *app) forgot(w http.ResponseWriter, r *http.Request) {
	answer(w, r, a.rekey.SendVerifyCode(r.Context(), identity.SendRequest{
		Caller: a.callers.FromPage(w, r), Mobile: r.PostFormValue("phone"), Purpose: identity.PurposeForgotPassword,
	}))
}

// reset sets the new password. Sessions from before it end, see signedIn.
func (a *app) reset(w http.ResponseWriter, r *http.Request) {
	answer(w, r, a.rekey.ResetByMobile(r.Context(), identity.ResetRequest{
		Caller: a.callers.FromPage(w, r), Mobile: r.PostFormValue("phone"),
		Code: identity.NewSecret(r.PostFormValue("code")), Password: identity.NewSecret(r.PostFormValue("password")),
	}))
}

// login takes a phone number or an e-mail address.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	caller := a.callers.FromPage(w, r)
	request := identity.LoginRequest{
		Mobile: r.PostFormValue("login"), Password: identity.NewSecret(r.PostFormValue("password")),
		Address: caller.Address, ClientID: caller.ClientID, Device: caller.Device,
	}
	var user identity.User
	var err error
	if strings.Contains(request.Mobile, "@") {
		var row identity.User
		if row, err = a.byEmail(r.Context(), request.Mobile); err == nil {
			user, err = a.rekey.VerifyPassword(r.Context(), row, request)
		}
	} else {
		user, err = a.rekey.Authenticate(r.Context(), request)
	}
	if err == nil {
		err = a.signIn(r.Context(), user)
	}
	answer(w, r, err)
}

// byEmail is the application's own look-up: the zero User if no user has the address.
func (a *app) byEmail(ctx context.Context, email string) (identity.User, error) {
	var id int64
	err := a.store.DB().QueryRowContext(ctx, "SELECT account_no FROM accounts WHERE email = ? AND closed_at IS NULL", strings.ToLower(email)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return identity.User{}, nil
	}
	return identity.User{ID: fmt.Sprint(id)}, err
}

// signIn begins a session, under a new token, and remembers when.
func (a *app) signIn(ctx context.Context, user identity.User) error {
	if err := a.sessions.RenewToken(ctx); err != nil {
		return err
	}
	a.sessions.Put(ctx, "account", user.ID)
	a.sessions.Put(ctx, "since", time.Now().UnixMilli())
	return nil
}

// signedIn is the account of a session. A session that is older than the password does
// not count, so a reset ends the sessions before it.
func (a *app) signedIn(ctx context.Context) (identity.User, error) {
	id := a.sessions.GetString(ctx, "account")
	if id == "" {
		return identity.User{}, identity.ErrWrongCredentials
	}
	user, err := a.rekey.UserByID(ctx, "", id)
	switch {
	case errors.Is(err, identity.ErrNotFound):
		return identity.User{}, identity.ErrWrongCredentials
	case err != nil:
		return identity.User{}, err
	case user.Disabled || a.sessions.GetInt64(ctx, "since") < user.PasswordChangedAt.UnixMilli():
		return identity.User{}, errors.Join(identity.ErrWrongCredentials, a.sessions.Destroy(ctx))
	}
	return user, nil
}

// changePassword requires the old password, and keeps only this session.
func (a *app) changePassword(w http.ResponseWriter, r *http.Request) {
	caller := a.callers.FromPage(w, r)
	user, err := a.signedIn(r.Context())
	if err == nil {
		user, err = a.rekey.ChangePassword(r.Context(), identity.ChangePasswordRequest{
			UserID: user.ID, Old: identity.NewSecret(r.PostFormValue("old")), New: identity.NewSecret(r.PostFormValue("password")),
			Address: caller.Address, ClientID: caller.ClientID, Device: caller.Device, Language: caller.Language,
		})
	}
	if err == nil {
		err = a.signIn(r.Context(), user)
	}
	answer(w, r, err)
}

func (a *app) me(w http.ResponseWriter, r *http.Request) {
	user, err := a.signedIn(r.Context())
	if err != nil {
		httpadapter.WriteError(w, r, err)
		return
	}
	_, _ = fmt.Fprintf(w, "account %s\n", user.ID)
}
