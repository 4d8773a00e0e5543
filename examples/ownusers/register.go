package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-16109ab2/rekey/identity"
)

// registerCode sends a code that proves the number of a new account. It answers 204
// whether or not the number has an account already.
func (a *app) registerCode(w http.ResponseWriter, r *http.Request) {
	answer(w, r, a.rekey.SendVerifyCode(r.Context(), identity.SendRequest{
		Caller: a.callers.FromPage(w, r), Mobile: r.PostFormValue("phone"), Purpose: identity.PurposeRegister,
	}))
}

// register creates an account: Rekey checks the password, hashes it and redeems the
// code, and the application inserts its own row.
func (a *app) register(w http.ResponseWriter, r *http.Request) {
	caller := a.callers.FromPage(w, r)
	phone := r.PostFormValue("phone")
	// Before the transaction: no hash should keep one open. A refused password costs no
	// code.
	// The code that is redeemed next proves the number.
	user, err := a.rekey.PrepareUser(r.Context(), identity.NewUser{Mobile: phone, Verified: true, Password: identity.NewSecret(r.PostFormValue("password"))})
	if err == nil {
		_, err = a.rekey.RedeemVerifyCode(r.Context(), identity.RedeemRequest{
			Caller: caller, Mobile: phone, Purpose: identity.PurposeRegister, Code: identity.NewSecret(r.PostFormValue("code")),
		})
	}
	if err == nil {
		user, err = a.insert(r.Context(), user, r.PostFormValue("name"), r.PostFormValue("email"))
	}
	if err == nil {
		err = a.signIn(r.Context(), user)
	}
	answer(w, r, err)
}

// insert stores the account and the audit event in one transaction: both, or neither.
// The database gives the id.
func (a *app) insert(ctx context.Context, user identity.User, name, email string) (identity.User, error) {
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000-07:00") }
	err := a.store.DB().RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var id int64
		if err := tx.QueryRowContext(ctx,
			"INSERT INTO accounts (name, email, phone, phone_ok_at, secret, secret_at) VALUES (?, ?, ?, ?, ?, ?) RETURNING account_no",
			name, strings.ToLower(email), accounts.Spelling.Write(user.Mobile), at(user.VerifiedAt), user.PasswordHash, at(user.PasswordChangedAt),
		).Scan(&id); err != nil {
			return err
		}
		user.ID = fmt.Sprint(id)
		return a.rekey.RecordUser(ctx, a.store.WithTx(tx), user)
	})
	return user, err
}
