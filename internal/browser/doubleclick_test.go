package browser_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/sms"
)

// doubleClick clicks an element twice, like a double click of a mouse.
func (tb *tab) doubleClick(selector string) {
	tb.t.Helper()
	tb.run(chromedp.ScrollIntoView(chromedp.CSS(selector)))
	middle := func() []float64 {
		return eval[[]float64](tb, "(b => [b.x + b.width / 2, b.y + b.height / 2])(document.querySelector("+quote(selector)+").getBoundingClientRect())")
	}
	at := middle()
	for range 100 { // wait until the element no longer moves
		time.Sleep(50 * time.Millisecond)
		before := at
		if at = middle(); slices.Equal(at, before) {
			break
		}
	}
	var actions []action
	for click := range 2 {
		for _, event := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			actions = append(actions, call(input.DispatchMouseEvent, input.DispatchMouseEventParams{
				Type: event, X: at[0], Y: at[1], Button: input.MouseButtonLeft, ClickCount: int64(click + 1),
			}))
		}
	}
	tb.run(actions...)
}

// farAway delays the answers to forms, so that the second click comes before them.
func farAway(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			page.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
		time.Sleep(300 * time.Millisecond)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// hasNoFault checks that the page shows no error.
func (tb *tab) hasNoFault(after string) {
	tb.t.Helper()
	if text := tb.text("[role=alert], .fault"); text != "" {
		tb.t.Errorf("after a double click on %q the page says %q", after, text)
	}
}

// A double click on each button sends one code, sets one password, and shows no error,
// with the script and without it. The default limits hold.
func TestDoubleClicks(t *testing.T) {
	t.Parallel()
	for name, setups := range map[string][]action{"with script": nil, "without script": {withoutScript}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(s *site, _ *identity.Config) { s.Wrap = farAway })
			s.User(mobile, oldPassword)
			codes := func() (n int) {
				for _, m := range s.SMS.All() {
					if m.Kind == sms.KindVerifyCode {
						n++
					}
				}
				return n
			}
			tb := s.open("/reset-password", setups...)
			tb.at("number")
			tb.fill("#mobile", mobile)
			tb.doubleClick("button[value=have]")
			tb.at("code")
			tb.hasNoFault("have")

			tb.run(chromedp.Navigate(s.URL + "/reset-password"))
			tb.at("number")
			tb.fill("#mobile", mobile)
			tb.doubleClick("button[value=send]")
			tb.at("code")
			s.Code(e164)
			tb.hasNoFault("send")
			if n := codes(); n != 1 {
				t.Errorf("a double click sent %d codes", n)
			}

			s.Clock.Advance(2 * time.Minute)
			tb.run(chromedp.Navigate(s.URL + "/reset-password/code"))
			tb.at("code")
			tb.doubleClick("#resend button")
			code := s.Code(e164)
			tb.says("#main", "received your request for a new code")
			tb.hasNoFault("another code")
			if n := codes(); n != 2 {
				t.Errorf("after another double click %d codes were sent, want 2", n)
			}

			tb.fill("#code", code)
			tb.fill("#password", newPassword)
			tb.doubleClick("button[value=reset]")
			tb.at("done")
			tb.hasNoFault("reset")
			resets := 0
			events, err := s.Events(context.Background(), audit.Query{Max: 1000})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Type == audit.PasswordReset {
					resets++
				}
			}
			if resets != 1 || !s.signsIn(newPassword) {
				t.Errorf("%d resets", resets)
			}
		})
	}
}

// A person who types while the answer to another form is on its way loses no text.
func TestTypingWhileTheAnswerIsOnItsWay(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site, _ *identity.Config) { s.Wrap = farAway })
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.ask(mobile)
	tb.at("code")
	s.Code(e164)
	s.Clock.Advance(2 * time.Minute)
	tb.run(chromedp.Navigate(s.URL + "/reset-password/code"))
	tb.at("code")
	tb.run(script("window.before = document.getElementById('main')"))
	tb.click("#resend button")
	code := s.Code(e164)
	tb.fill("#password", newPassword)
	tb.fill("#code", code)
	tb.until("document.getElementById('main') !== window.before")
	if got := tb.value("#code") + " " + tb.value("#password"); got != code+" "+newPassword {
		t.Errorf("code and password are now %q", got)
	}
	if got := eval[string](tb, "document.activeElement.id"); got != "code" {
		t.Errorf("the focus is on %q", got)
	}
	tb.click("button[value=reset]")
	tb.at("done")
}

// Double clicks also work with the check step between the two forms.
func TestDoubleClickBeforeTheCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site, c *identity.Config) {
		verifier, err := altcha.New(altcha.Config{
			Secret: c.Secret, Counter: c.Store, Now: c.Now, Levels: []altcha.Difficulty{{Iterations: 100, Numbers: 100}},
		})
		if err != nil {
			s.t.Fatal(err)
		}
		c.Captcha, s.Page.Captcha = verifier, verifier
	})
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password")
	tb.at("number")
	tb.fill("#mobile", mobile)
	tb.doubleClick("button[value=send]")
	tb.at("code")
	s.Code(e164)
	tb.hasNoFault("send")
	if n := len(s.SMS.All()); n != 1 {
		t.Errorf("%d codes were sent", n)
	}
}
