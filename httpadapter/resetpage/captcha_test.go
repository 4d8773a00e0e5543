package resetpage_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
)

// A service that asks for a captcha token gets one.
func TestCaptchaSeam(t *testing.T) {
	t.Parallel()
	s := &stub{send: identity.ErrCaptchaMissing}
	cfg := config()
	asked := challenger{}
	cfg.Captcha = &asked
	b := newBrowser(t, newHandler(t, s, cfg))
	page := b.ask(mobile)
	page.expect(t, "check", "JavaScript, which is off", `data-challenge="{&#34;salt&#34;:&#34;&#43;8613800138000/FORGET_PWD_SMS`)
	s.send = identity.ErrCaptchaWrong
	page = b.follow(b.post(start+"/check", "action", "solved", "flow", page.flow(t), "captcha_token", "token"))
	page.expect(t, "check", "not solved in time", "data-wait-for-person")
	s.send = nil
	b.follow(b.post(start+"/check", "action", "solved", "flow", page.flow(t), "captcha_token", "token2")).expect(t, "code", "on its way")
	if len(s.sends) != 3 || s.sends[2].CaptchaToken != "token2" || s.sends[2].Mobile != e164 {
		t.Errorf("sends: %+v", s.sends)
	}
	var _ resetpage.Challenger = &asked
}

// A limit, or a failure, that shows only after the challenge leads to where the
// person can go on.
func TestCaptchaThenRefused(t *testing.T) {
	t.Parallel()
	limited := &identity.RateLimitedError{RetryAfter: 90 * time.Second}
	for _, c := range []struct {
		name   string
		err    error
		resend bool
		step   string
		says   string
	}{
		{"limited", limited, false, "number", "choose “I already have a code”"},
		{"limited, another code", limited, true, "code", "Too many tries. Try again in 90 s."},
		{"failure", http.ErrServerClosed, false, "number", "went wrong on our side"},
		{"failure, another code", http.ErrServerClosed, true, "code", "went wrong on our side"},
		{"number", identity.ErrInvalidMobile, false, "number", "cannot be a mobile number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &stub{}
			cfg := config()
			cfg.Captcha = challenger{}
			b := newBrowser(t, newHandler(t, s, cfg))
			if !c.resend {
				s.send = identity.ErrCaptchaMissing
			}
			page := b.ask(mobile)
			s.send = identity.ErrCaptchaMissing
			if c.resend {
				page = b.follow(b.post(start+"/code", "action", "send", "flow", page.flow(t)))
			}
			page.expect(t, "check")
			s.send = c.err
			b.follow(b.post(start+"/check", "action", "solved", "flow", page.flow(t), "captcha_token", "token")).expect(t, c.step, c.says)
		})
	}
}

// A challenge that cannot be made is our failure, said where the person can try
// again.
func TestChallengeFails(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Captcha = failingChallenger{}
	b := newBrowser(t, newHandler(t, &stub{send: identity.ErrCaptchaMissing}, cfg))
	b.follow(b.ask(mobile)).expect(t, "number", "went wrong on our side")
}

// challenger gives a challenge that names what it is for.
type challenger struct{}

func (challenger) Challenge(_ context.Context, mobile string, purpose identity.Purpose) ([]byte, error) {
	return json.Marshal(map[string]string{"salt": mobile + "/" + string(purpose)})
}

// failingChallenger has lost its storage.
type failingChallenger struct{}

func (failingChallenger) Challenge(context.Context, string, identity.Purpose) ([]byte, error) {
	return nil, errors.New("no storage")
}
