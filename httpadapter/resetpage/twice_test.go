package resetpage_test

import (
	"context"
	"maps"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// slow is a service whose resets wait until the test lets them go on.
type slow struct {
	*identity.Service
	entered, goOn chan struct{}
}

func (s *slow) ResetByMobile(ctx context.Context, r identity.ResetRequest) error {
	s.entered <- struct{}{}
	<-s.goOn
	return s.Service.ResetByMobile(ctx, r)
}

// send posts the reset form as a browser with these cookies does, and returns the
// step that it is led to.
func (b *browser) send(ctx context.Context, cookies map[string]string, form url.Values) string {
	r := httptest.NewRequestWithContext(ctx, "POST", origin+start+"/code", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range cookies {
		r.Header.Add("Cookie", name+"="+value)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w.Header().Get("Location")
}

// A double click without JavaScript: the same form with the same cookies, before
// the first is answered and, as browsers do, with the first taken back.
func TestDoubleClick(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	f.User(mobile, oldPassword)
	s := &slow{f.Service, make(chan struct{}, 10), make(chan struct{})}
	cfg := config()
	cfg.Now = f.Clock.Now
	b := newBrowser(t, newHandler(t, s, cfg))
	page := b.ask(mobile)
	form := url.Values{"action": {"reset"}, "flow": {page.flow(t)}, "code": {f.Code(e164)}, "password": {newPassword}}
	cookies := maps.Clone(b.cookies)

	first, takeBack := context.WithCancel(t.Context())
	var led [2]string
	var group sync.WaitGroup
	group.Go(func() { led[0] = b.send(first, cookies, form) })
	<-s.entered
	takeBack()
	group.Go(func() { led[1] = b.send(t.Context(), cookies, form) })
	close(s.goOn)
	group.Wait()
	if led[0] != start+"/done" || led[1] != start+"/done" {
		t.Errorf("the two clicks lead to %q", led)
	}
	if _, err := f.Authenticate(t.Context(), identity.LoginRequest{Mobile: mobile, Password: identity.NewSecret(newPassword)}); err != nil {
		t.Errorf("the password is not the new one: %v", err)
	}

	// A moment later, too; but another code or another password is another form.
	if to := b.send(t.Context(), cookies, form); to != start+"/done" {
		t.Errorf("the third post leads to %q", to)
	}
	for _, field := range []string{"code", "password"} {
		other := maps.Clone(form)
		other[field] = []string{wrong(form.Get(field))}
		if to := b.send(t.Context(), cookies, other); to != start+"/code" {
			t.Errorf("with another %s it leads to %q", field, to)
		}
	}
	f.Clock.Advance(2 * time.Minute)
	if to := b.send(t.Context(), cookies, form); to != start+"/code" {
		t.Errorf("two minutes later it leads to %q", to)
	}
}

// What was refused is asked again: a person who sends the same again means it.
func TestRefusedFormIsNotRemembered(t *testing.T) {
	t.Parallel()
	s := &stub{reset: identity.ErrCodeRefused}
	b := newBrowser(t, newHandler(t, s, config()))
	page := b.ask(mobile)
	page = b.set(page, "123456", newPassword)
	page.expect(t, "code", "wrong or has expired")
	s.reset = nil
	b.set(page, "123456", newPassword).expect(t, "done")
	if len(s.resets) != 2 {
		t.Errorf("%d resets", len(s.resets))
	}
}

// wrong is another text of the same length.
func wrong(s string) string {
	last := s[len(s)-1]
	return s[:len(s)-1] + string('0'+(last-'0'+1)%10)
}
