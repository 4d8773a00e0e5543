package identitytest_test

import (
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// The package's example of its use works as printed.
func TestUsage(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	user := f.User("12345678901", "violet-Harbor-93")
	f.SendCode("12345678901")
	code := f.Code("12345678901")
	err := f.ResetByMobile(t.Context(), identity.ResetRequest{
		Caller: f.Caller(), Mobile: "12345678901", Code: identity.NewSecret(code), Password: identity.NewSecret("amber-Lantern-27"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: "12345678901", Password: identity.NewSecret("amber-Lantern-27")})
	if err != nil || got.ID != user.ID {
		t.Errorf("%v, %v", got.ID, err)
	}
}
