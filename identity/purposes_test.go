package identity_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

var otherPurposes = []identity.Purpose{
	identity.PurposeRegister, identity.PurposeLogin, identity.PurposeBindMobile, identity.PurposeUpdateMobile, identity.PurposeResetOTP,
}

// free reports whether codes of the purpose go to numbers without a user.
func free(p identity.Purpose) bool {
	return p == identity.PurposeRegister || p == identity.PurposeBindMobile || p == identity.PurposeUpdateMobile
}

func serveAll(c *identity.Config) {
	identitytest.Lift(c)
	c.Purposes = append(slices.Clone(otherPurposes), identity.PurposeForgotPassword)
}

func redeem(f *identitytest.Fixture, p identity.Purpose, mobile, code, userID string) (identity.Redeemed, error) {
	return f.RedeemVerifyCode(context.Background(), identity.RedeemRequest{
		Caller: f.Caller(), Mobile: mobile, Purpose: p, Code: identity.NewSecret(code), UserID: userID,
	})
}

func sendFor(f *identitytest.Fixture, p identity.Purpose, mobile string) error {
	return f.SendVerifyCode(context.Background(), identity.SendRequest{Caller: f.Caller(), Mobile: mobile, Purpose: p})
}

// Each purpose sends codes to the numbers that it is for, and each code is used once.
func TestEachPurpose(t *testing.T) {
	t.Parallel()
	for _, p := range otherPurposes {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
				owner := f.User("13800000001", oldPassword) // the user to whom the number is bound
				if !free(p) {
					f.User(number, oldPassword)
				}
				if err := sendFor(f, p, number); err != nil {
					t.Fatal(err)
				}
				code := f.Code(number)
				_, err := redeem(f, p, number, wrongCode(code), owner.ID)
				wantErr(t, "a wrong code", err, identity.ErrCodeRefused)
				for _, other := range otherPurposes {
					if other != p {
						_, err := redeem(f, other, number, code, owner.ID)
						wantErr(t, "for "+string(other), err, identity.ErrCodeRefused)
					}
				}
				if err := reset(f, f.Caller(), code, newPassword); !errors.Is(err, identity.ErrCodeRefused) {
					t.Errorf("for a reset: %v", err)
				}
				got, err := redeem(f, p, number, code, owner.ID)
				if err != nil || got.Mobile != e164 {
					t.Fatalf("%+v, %v", got, err)
				}
				switch {
				case p == identity.PurposeRegister:
					if got.User.ID != "" {
						t.Errorf("a user for a free number: %+v", got.User)
					}
				case free(p):
					u, err := f.UserByMobile(t.Context(), "", number)
					if err != nil || u.ID != owner.ID || u.VerifiedAt.IsZero() || got.User.ID != owner.ID {
						t.Errorf("bound to %+v, %v", u, err)
					}
				case got.User.Mobile != e164:
					t.Errorf("the user is %+v", got.User)
				}
				_, err = redeem(f, p, number, code, owner.ID)
				wantErr(t, "twice", err, identity.ErrCodeRefused)
			}, serveAll)
		})
	}
}

// Numbers that may get a code and numbers that may not get the same answer, and the
// same amount is written.
func TestPurposesAnswerAlike(t *testing.T) {
	t.Parallel()
	for _, p := range otherPurposes {
		for _, notify := range []bool{false, true} {
			t.Run(fmt.Sprint(p, notify), func(t *testing.T) {
				t.Parallel()
				what := func(taken bool) string {
					f := identitytest.New(t, serveAll, func(c *identity.Config) { c.NotifyTakenNumbers = notify })
					owner := f.User("13800000001", oldPassword)
					if taken {
						f.User(number, oldPassword)
					}
					before := len(events(t, f.Service))
					sent := sendFor(f, p, number)
					messages, err := f.Messages(t.Context(), "", 100)
					if err != nil {
						t.Fatal(err)
					}
					var answers []string
					for _, code := range []string{"000000", "x", ""} {
						_, err := redeem(f, p, number, code, owner.ID)
						answers = append(answers, fmt.Sprint(err))
					}
					return fmt.Sprint(sent, len(messages), answers, len(events(t, f.Service))-before)
				}
				if taken, without := what(true), what(false); taken != without {
					t.Errorf("a number with a user: %s\nwithout: %s", taken, without)
				}
			})
		}
	}
}

// If two people bind one number at the same time, each with a code, one of them gets
// it.
func TestTwoBindsOfOneNumber(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		var ids, codes []string
		var callers []identity.Caller
		for i := range 3 {
			ids = append(ids, f.User(fmt.Sprintf("1380000000%d", i), oldPassword).ID)
			callers = append(callers, device(f.Caller(), i))
			err := f.SendVerifyCode(t.Context(), identity.SendRequest{Caller: callers[i], Mobile: number, Purpose: identity.PurposeBindMobile})
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, f.Code(number))
		}
		errs := atOnce(3, func(i int) error {
			_, err := f.RedeemVerifyCode(context.Background(), identity.RedeemRequest{
				Caller: callers[i], Mobile: number, Purpose: identity.PurposeBindMobile, Code: identity.NewSecret(codes[i]), UserID: ids[i],
			})
			return err
		})
		if count(errs, nil) != 1 || count(errs, identity.ErrCodeRefused) != 2 {
			t.Errorf("%v", errs)
		}
		u, err := f.UserByMobile(t.Context(), "", number)
		if err != nil || errs[slices.Index(ids, u.ID)] != nil {
			t.Errorf("the number is %s's, %v", u.ID, err)
		}
	}, serveAll)
}

// If a number with a user is registered again, a notice goes to that user.
func TestNoticeOfATakenNumber(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, f *identitytest.Fixture) {
		f.User(number, oldPassword)
		if err := sendFor(f, identity.PurposeRegister, number); err != nil {
			t.Fatal(err)
		}
		m := f.Message(number, sms.KindNumberTaken)
		if m.To != e164 || m.Params["code"] != "" || strings.ContainsAny(m.Text, "0123456789{") || m.Text == "" {
			t.Errorf("the notice: %+v %q", m.Params, m.Text)
		}
		if got := outcomes(t, f, audit.CodeSent); len(got) != 1 || got[0] != "number has a user: notice queued" {
			t.Errorf("recorded as %q", got)
		}
		// Only a registration sends the notice, and only to a user who may reset.
		disabled := f.User("13800000001", oldPassword)
		if err := f.UpdateUser(t.Context(), identity.UserChange{ID: disabled.ID, Disabled: new(true)}); err != nil {
			t.Fatal(err)
		}
		for mobile, p := range map[string]identity.Purpose{number: identity.PurposeBindMobile, "13800000001": identity.PurposeRegister} {
			if err := sendFor(f, p, mobile); err != nil {
				t.Fatal(err)
			}
		}
		f.User("13800000002", oldPassword)
		if err := sendFor(f, identity.PurposeForgotPassword, "13800000002"); err != nil {
			t.Fatal(err)
		}
		f.Code("13800000002") // by now, each earlier message is delivered or never will be
		for _, mobile := range []string{e164, "+8613800000001"} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if m, err := f.SMS.Next(ctx, mobile); err == nil {
				t.Errorf("%s got %s", mobile, m.Kind)
			}
			cancel()
		}
	}, serveAll, func(c *identity.Config) { c.NotifyTakenNumbers = true })
}

// The notice needs a text of one segment in each language.
func TestTextsOfTheNotice(t *testing.T) {
	t.Parallel()
	texts := identity.DefaultTexts()
	en := texts["en"]
	en.NumberTaken = ""
	texts["en"] = en
	_, err := identity.New(identity.Config{Store: memory.New(), SMS: noSender{}, Secret: identity.NewSecret(strings.Repeat("s", 32)), Texts: texts, NotifyTakenNumbers: true})
	if err == nil || !strings.Contains(err.Error(), "Texts[en].NumberTaken") {
		t.Errorf("a missing text: %v", err)
	}
	found := 0
	for _, l := range (identity.Config{NotifyTakenNumbers: true, ServiceName: "Acme Shop"}).TextLengths() {
		if l.Kind == sms.KindNumberTaken {
			if found++; l.Length.Segments != 1 {
				t.Errorf("%s takes %d segments", l.Language, l.Length.Segments)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d languages", found)
	}
}

type noSender struct{}

func (noSender) Send(context.Context, sms.Message) (sms.Accepted, error) { return sms.Accepted{}, nil }
