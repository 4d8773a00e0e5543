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

// slow is a service whose resets wait until the test releases them.
type slow struct {
	*identity.Service
	entered, goOn chan struct{}
}

func (s *slow) ResetByMobile(ctx context.Context, r identity.ResetRequest) error {
	s.entered <- struct{}{}
	<-s.goOn
	return s.Service.ResetByMobile(ctx, r)
}

// send posts the reset form as a browser with these cookies does, and returns the step
// to which it is redirected.
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

// A double click without JavaScript: the same form is sent with the same cookies before
// the first request is answered. As browsers do, it cancels the first request.
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

	// A moment later the form is still recognized. A form with another code or another
	// password is not.
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

// A refused form is handled again, because a person who sends it again wants another
// try.
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

// wrong returns another text of the same length.
func wrong(s string) string {
	last := s[len(s)-1]
	return s[:len(s)-1] + string('0'+(last-'0'+1)%10)
}

// clicked counts sends, and refuses a second send as the limits do.
type clicked struct {
	stub
	captcha bool
}

func (c *clicked) SendVerifyCode(ctx context.Context, r identity.SendRequest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.captcha && r.CaptchaToken == "" {
		return identity.ErrCaptchaMissing
	}
	if c.sends = append(c.sends, r); len(c.sends) > 1 {
		return &identity.RateLimitedError{RetryAfter: time.Minute}
	}
	return nil
}

// A double click on any button that sends a code sends one code and shows no error,
// whether the second post has the cookies from before or after the first answer.
func TestDoubleClickOnSend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		captcha, again bool
		path           string
	}{
		"number":       {path: start},
		"check":        {captcha: true, path: start + "/check"},
		"another code": {again: true, path: start + "/code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, fresh := range []bool{false, true} {
				s := &clicked{captcha: c.captcha}
				cfg := config()
				now := time.Now()
				cfg.Now, cfg.Captcha = func() time.Time { return now }, challenger{}
				b := newBrowser(t, newHandler(t, s, cfg))
				form := url.Values{"action": {"send"}, "mobile": {mobile}}
				switch {
				case c.captcha:
					form = url.Values{"action": {"solved"}, "flow": {b.ask(mobile).flow(t)}, "captcha_token": {"token"}}
				case c.again:
					form = url.Values{"action": {"send"}, "flow": {b.ask(mobile).flow(t)}}
					s.sends, now = nil, now.Add(time.Minute)
				default:
					b.get(start)
				}
				cookies := maps.Clone(b.cookies)
				b.doubled(c.path, form, cookies, fresh).expect(t, "code")
				if n := len(s.sends); n != 1 {
					t.Errorf("%d sends, cookies of the first answer %v", n, fresh)
				}
				if page := b.get(start + "/code"); strings.Contains(page.body, "Try again in") || strings.Contains(page.body, "another tab") {
					t.Errorf("the page shows an error:\n%s", page.body)
				}
			}
		})
	}
}

// doubled posts a form twice. The second post has the given cookies, or those of the
// first answer.
func (b *browser) doubled(path string, form url.Values, cookies map[string]string, fresh bool) answer {
	b.t.Helper()
	const contentType = "application/x-www-form-urlencoded"
	b.do("POST", path, contentType, form.Encode())
	if !fresh {
		b.cookies = cookies
	}
	return b.follow(b.do("POST", path, contentType, form.Encode()))
}
