package eventwebhook_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/eventwebhook"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/sms"
)

// silent is a receiver that accepts requests and never answers.
type silent struct{ requests chan<- time.Time }

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests <- time.Now()
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// drip is a receiver that sends a status and never ends the body.
type drip struct{ ctx context.Context }

func (d drip) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: drip{r.Context()}, Request: r}, nil
}

func (d drip) Read([]byte) (int, error) { <-d.ctx.Done(); return 0, d.ctx.Err() }
func (d drip) Close() error             { return nil }

// A receiver that hangs delays events only: codes and notices leave within a second.
// Each request to it ends, and the pauses between requests grow to hours.
func TestHangingReceiverDelaysNoCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := make(chan time.Time, 1000)
		h := hook(t, eventwebhook.Config{URL: "https://backend.example", Client: &http.Client{Transport: silent{requests}}})
		f := identitytest.New(t, identitytest.Lift, func(c *identity.Config) {
			c.Now, c.OnEvent = time.Now, h.Deliver
			c.EventTypes = []audit.Type{audit.UserChanged}
		})
		u := f.User("12345678901", "copper-Lantern-47")
		disabled := false
		for range 20 { // more than there are workers for events
			if err := f.UpdateUser(t.Context(), identity.UserChange{ID: u.ID, Disabled: &disabled}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		start := time.Now()
		f.SendCode("12345678901")
		err := f.ResetByMobile(t.Context(), identity.ResetRequest{
			Caller: f.Caller(), Mobile: "12345678901", Code: identity.NewSecret(f.Code("12345678901")), Password: identity.NewSecret("violet-Harbor-93"),
		})
		if err != nil {
			t.Fatal(err)
		}
		f.Message("12345678901", sms.KindPasswordChanged)
		if took := time.Since(start); took > time.Second {
			t.Errorf("a reset took %s", took)
		}
		time.Sleep(10 * time.Hour)
		lastHour := 0
		for len(requests) > 0 {
			if at := <-requests; time.Since(at) < time.Hour {
				lastHour++
			}
		}
		if lastHour > 20 {
			t.Errorf("%d requests in the last of ten hours for 20 events, want at most one each", lastHour)
		}
	})
}

// A receiver that sends a success status and never ends the body has accepted the
// event. The wait for the body ends.
func TestEndlessAnswerEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hook(t, eventwebhook.Config{URL: "https://backend.example", Client: &http.Client{Transport: drip{}}})
		start := time.Now()
		if err := h.Deliver(t.Context(), event); err != nil || time.Since(start) > 10*time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
	})
}
