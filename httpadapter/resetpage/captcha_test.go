package resetpage_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// A service that asks for a CAPTCHA token gets one.
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
}

// A limit or failure that appears only after the challenge leads to a step where the
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
		{"number", identity.ErrInvalidMobile, false, "number", "not a mobile number that can be used here"},
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

// If a challenge cannot be made, the page says so where the person can try again.
func TestChallengeFails(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Captcha = failingChallenger{}
	b := newBrowser(t, newHandler(t, &stub{send: identity.ErrCaptchaMissing}, cfg))
	b.follow(b.ask(mobile)).expect(t, "number", "went wrong on our side")
}

// challenger makes a challenge that names its purpose.
type challenger struct{}

func (challenger) Challenge(_ context.Context, r identity.CaptchaRequest) ([]byte, error) {
	return json.Marshal(map[string]string{"salt": r.Mobile + "/" + string(r.Purpose)})
}

// failingChallenger is a challenger whose storage is lost.
type failingChallenger struct{}

func (failingChallenger) Challenge(context.Context, identity.CaptchaRequest) ([]byte, error) {
	return nil, errors.New("no storage")
}

// The challenges and the verifier of package altcha work together: a solution is valid
// for the number in the service's spelling. In some countries a number has two
// spellings.
func TestAltchaFits(t *testing.T) {
	t.Parallel()
	for region, typed := range map[string]string{"CN": "138 0013 8000", "AR": "11 2345-6789", "MX": "55 1234 5678"} {
		t.Run(region, func(t *testing.T) {
			t.Parallel()
			var asked []identity.Caller
			var verifier *altcha.Verifier
			f := identitytest.New(t, func(c *identity.Config) {
				c.DefaultRegion, c.Countries = region, []string{region}
				var err error
				verifier, err = altcha.New(altcha.Config{
					Secret: c.Secret, Counter: c.Store, Now: c.Now, Levels: []altcha.Difficulty{{Iterations: 100, Numbers: 10}},
					Level: func(_ context.Context, r identity.CaptchaRequest) (int, error) {
						asked = append(asked, r.Caller)
						return 0, nil
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				c.Captcha = verifier
			})
			cfg := config()
			cfg.Now, cfg.Captcha, cfg.Countries = f.Clock.Now, verifier, []string{region}
			b := newBrowser(t, newHandler(t, f.Service, cfg))
			page := b.ask(typed)
			page.expect(t, "check")
			token, err := altcha.Solve(t.Context(), []byte(page.challenge(t)))
			if err != nil {
				t.Fatal(err)
			}
			page = b.follow(b.post(start+"/check", "action", "solved", "flow", page.flow(t), "captcha_token", token))
			page.expect(t, "code", "on its way")
			if len(asked) != 2 || asked[0] != asked[1] || asked[0].Device == "" {
				t.Errorf("the challenge and the send are for %+v", asked)
			}
			// The solution is used up: another code needs another solution.
			f.Clock.Advance(2 * time.Minute)
			page = b.follow(b.post(start+"/code", "action", "send", "flow", page.flow(t)))
			page.expect(t, "check")
			b.follow(b.post(start+"/check", "action", "solved", "flow", page.flow(t), "captcha_token", token)).expect(t, "check", "not solved in time")
		})
	}
}

var challengeOf = regexp.MustCompile(`data-challenge="([^"]*)"`)

// challenge is the challenge that the page gives the browser to solve.
func (a answer) challenge(t testing.TB) string {
	t.Helper()
	m := challengeOf.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("the page has no challenge:\n%s", a.body)
	}
	return html.UnescapeString(m[1])
}

// The worker runs the code that the guide shows.
func TestGuideShowsTheWorker(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/captcha.md")
	if err != nil {
		t.Fatal(err)
	}
	worker, err := os.ReadFile("assets/solve.js")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(guide), "```js\n")
	code, _, found := strings.Cut(code, "```")
	if !found || !strings.Contains(string(worker), code) {
		t.Error("docs/captcha.md and assets/solve.js differ")
	}
}

// counting makes challenges and counts them.
type counting struct{ made *atomic.Int64 }

func (c counting) Challenge(ctx context.Context, r identity.CaptchaRequest) ([]byte, error) {
	c.made.Add(1)
	return challenger{}.Challenge(ctx, r)
}

// One state cookie gets no more challenges than an address may have, even if it is sent
// many times and with any other cookies. A person at another address still gets
// challenges.
func TestChallengesAreLimited(t *testing.T) {
	t.Parallel()
	var made atomic.Int64
	cfg := config()
	cfg.Captcha = counting{&made}
	cfg.ChallengesPerAddress = []limit.Rate{{Limit: 5, Per: time.Minute}}
	cfg.Address = func(r *http.Request) netip.Addr {
		return netip.MustParseAddr(cmp.Or(r.Header.Get("Test-Address"), "192.0.2.1"))
	}
	now := time.Now()
	cfg.Now = func() time.Time { return now }
	h := newHandler(t, &stub{send: identity.ErrCaptchaMissing}, cfg)
	for range 3 {
		b := newBrowser(t, h)
		b.ask(mobile)
		for range 10 {
			b.get(start + "/check")
		}
	}
	b := newBrowser(t, h)
	b.follow(b.ask(mobile)).expect(t, "number", "in 60 s")
	if n := made.Load(); n != 5 {
		t.Errorf("one address got %d challenges, want 5", n)
	}
	b = newBrowser(t, h)
	b.header.Set("Test-Address", "198.51.100.7")
	b.ask(mobile).expect(t, "check")
	now = now.Add(time.Minute)
	b = newBrowser(t, h)
	b.ask(mobile).expect(t, "check")
}
