package browser_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// withAltcha gives the same verifier to the service and the page.
func withAltcha(t *testing.T, mode identity.CaptchaMode, level func(context.Context, identity.CaptchaRequest) (int, error)) func(*site, *identity.Config) {
	return func(s *site, c *identity.Config) {
		verifier, err := altcha.New(altcha.Config{Secret: c.Secret, Counter: c.Store, Now: c.Now, Level: level})
		if err != nil {
			t.Fatal(err)
		}
		c.Captcha, c.CaptchaMode, s.Page.Captcha = verifier, mode, verifier
	}
}

// fourCores makes the page start four workers, and counts workers that begin and end.
const fourCores = `
	Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => 4 });
	const count = (name) => { sessionStorage[name] = Number(sessionStorage[name] || 0) + 1; };
	window.Worker = class extends Worker {
		constructor(url) { super(url); count('begun'); }
		terminate() { count('ended'); super.terminate(); }
	};`

// The browser solves the challenges of package altcha. The first solution comes too
// late, because the service has raised the difficulty by then.
func TestCaptchaIsSolved(t *testing.T) {
	t.Parallel()
	var checked atomic.Int32
	s := newSite(t, withAltcha(t, identity.CaptchaAlways, func(_ context.Context, r identity.CaptchaRequest) (int, error) {
		if r.Token != "" {
			checked.Add(1)
		}
		return int(min(checked.Load(), 1)), nil
	}))
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password", before(fourCores))
	tb.ask(mobile)
	tb.until("document.querySelector('#solve-start:not([hidden])')")
	tb.says("#fault", "not solved in time")
	if s.SMS.Attempts() != 0 {
		t.Error("a message was sent for an easy solution")
	}
	tb.click("#solve-start")
	tb.until("document.body.dataset.step === 'code'")
	if begun, ended := eval[string](tb, "sessionStorage.begun"), eval[string](tb, "sessionStorage.ended"); begun != "8" || ended != "8" {
		t.Errorf("%s workers began, %s ended", begun, ended)
	}
	tb.set(s.Code(e164), newPassword)
	tb.at("done")
	if n := checked.Load(); n != 2 {
		t.Errorf("%d tokens were checked", n)
	}
	if !s.signsIn(newPassword) {
		t.Error("the password is not the new one")
	}
}

func TestCaptchaWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t, withAltcha(t, identity.CaptchaAlways, nil))
	tb := s.open("/reset-password", withoutScript)
	tb.ask(mobile)
	tb.at("check")
	if text := tb.text("main"); !strings.Contains(text, "This step needs JavaScript") {
		t.Errorf("the page says %s", text)
	}
}

// The first sends need no CAPTCHA. The send that finds a counter half full needs one,
// and the page continues without the person.
func TestCaptchaOnSuspicion(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(_ *site, c *identity.Config) {
		generous(c)
		c.Limits.SendsPerAddress = []limit.Rate{{Limit: 4, Per: time.Hour}}
	}, withAltcha(t, identity.CaptchaOnSuspicion, nil))
	s.User(mobile, oldPassword)
	tb := s.open("/reset-password", before(`sessionStorage.steps = (sessionStorage.steps || '') + location.pathname + ' ';`))
	for _, stranger := range []string{"13800138001", "13800138002"} {
		tb.ask(stranger)
		tb.at("code")
		tb.click(".more a")
		tb.at("number")
	}
	if steps := eval[string](tb, "sessionStorage.steps"); strings.Contains(steps, "check") {
		t.Errorf("a first send needed a CAPTCHA: %s", steps)
	}
	tb.fill("#mobile", mobile)
	tb.click("button[value=send]")
	tb.until("document.body.dataset.step === 'code'")
	if steps := eval[string](tb, "sessionStorage.steps"); !strings.HasSuffix(steps, "/reset-password/check /reset-password/code ") {
		t.Errorf("the third send needed no CAPTCHA: %s", steps)
	}
	tb.set(s.Code(e164), newPassword)
	tb.at("done")
	if !s.signsIn(newPassword) {
		t.Error("the password is not the new one")
	}
}
