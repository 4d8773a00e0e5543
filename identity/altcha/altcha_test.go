package altcha_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

const owner, stranger = "+8612345678901", "+8613800138000"

var (
	secret = identity.NewSecret(strings.Repeat("s", 32))
	easy   = []altcha.Difficulty{{Iterations: 100, Numbers: 16}, {Iterations: 100, Numbers: 64}}
)

func request(mobile, token string) identity.CaptchaRequest {
	return identity.CaptchaRequest{Token: token, Mobile: mobile, Purpose: identity.PurposeForgotPassword}
}

type fixture struct {
	*altcha.Verifier
	clock *identitytest.Clock
	t     *testing.T
}

func verifier(t *testing.T, configure ...func(*altcha.Config)) *fixture {
	t.Helper()
	f := &fixture{clock: identitytest.NewClock(time.Now()), t: t}
	cfg := altcha.Config{Secret: secret, Counter: memory.New(), Levels: easy, Now: f.clock.Now}
	for _, c := range configure {
		c(&cfg)
	}
	v, err := altcha.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Verifier = v
	return f
}

func (f *fixture) challenge(mobile string) []byte {
	f.t.Helper()
	c, err := f.Challenge(f.t.Context(), request(mobile, ""))
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *fixture) solved(mobile string) string {
	f.t.Helper()
	token, err := altcha.Solve(f.t.Context(), f.challenge(mobile))
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

func (f *fixture) verify(what string, r identity.CaptchaRequest, want error) {
	f.t.Helper()
	err := f.VerifyCaptcha(f.t.Context(), r)
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		f.t.Errorf("%s: %v, want %v", what, err, want)
	}
	if err != nil && (strings.Contains(err.Error(), r.Mobile) || r.Token != "" && strings.Contains(err.Error(), r.Token)) {
		f.t.Errorf("%s: the error contains the number or the token: %v", what, err)
	}
}

func TestGoodTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	f := verifier(t)
	token := f.solved(owner)
	f.verify("solved", request(owner, token), nil)
	f.verify("again", request(owner, token), identity.ErrCaptchaExpired)
	f.clock.Advance(4 * time.Minute)
	f.verify("again, later", request(owner, token), identity.ErrCaptchaExpired)
	f.verify("another", request(owner, f.solved(owner)), nil)
}

// One token counts as the same token in all spellings.
func TestReplayInOtherSpellings(t *testing.T) {
	t.Parallel()
	f := verifier(t)
	token := f.solved(owner)
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	f.verify("solved", request(owner, token), nil)
	f.verify("with a line break", request(owner, token[:8]+"\n"+token[8:]), identity.ErrCaptchaExpired)
	for name, other := range map[string]string{
		"indented":      indented.String(),
		"other counter": strings.Replace(string(text), `"counter":`, `"counter":9`, 1),
		"other time":    strings.Replace(string(text), `"counter":`, `"time":1.5,"counter":`, 1),
		"upper case":    strings.Replace(string(text), `"signature":`, `"SIGNATURE":`, 1),
		"more fields":   strings.Replace(string(text), `{"challenge":`, `{"test":true,"challenge":`, 1),
	} {
		f.verify(name, request(owner, base64.StdEncoding.EncodeToString([]byte(other))), identity.ErrCaptchaExpired)
	}
}

func TestConcurrentUsesHaveOneWinner(t *testing.T) {
	t.Parallel()
	f := verifier(t)
	token := f.solved(owner)
	var wg sync.WaitGroup
	var won atomic.Int32
	for range 50 {
		wg.Go(func() {
			if f.VerifyCaptcha(t.Context(), request(owner, token)) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 50 uses passed, want 1", won.Load())
	}
}

func TestBoundToNumberAndPurpose(t *testing.T) {
	t.Parallel()
	f := verifier(t)
	token := f.solved(owner)
	f.verify("another number", request(stranger, token), identity.ErrCaptchaWrong)
	other := request(owner, token)
	other.Purpose = identity.PurposeLogin
	f.verify("another purpose", other, identity.ErrCaptchaWrong)
	f.verify("its own, after both", request(owner, token), nil)
}

func TestChallengeHidesTheNumber(t *testing.T) {
	t.Parallel()
	f := verifier(t)
	a, b := f.challenge(owner), f.challenge(stranger)
	for _, digits := range []string{owner, strings.TrimPrefix(owner, "+86")} {
		if bytes.Contains(a, []byte(digits)) {
			t.Errorf("the challenge has the number: %s", a)
		}
	}
	// Under another secret the digest differs, because it has a key.
	foreign := verifier(t, func(c *altcha.Config) { c.Secret = identity.NewSecret(strings.Repeat("x", 32)) })
	if bound(t, a) == bound(t, foreign.challenge(owner)) || bound(t, a) == bound(t, b) {
		t.Error("the digest does not depend on both the secret and the number")
	}
}

func bound(t *testing.T, challenge []byte) string {
	t.Helper()
	var c struct {
		Parameters struct{ Data struct{ Bound string } }
	}
	if err := json.Unmarshal(challenge, &c); err != nil || c.Parameters.Data.Bound == "" {
		t.Fatalf("%s: %v", challenge, err)
	}
	return c.Parameters.Data.Bound
}

func TestExpires(t *testing.T) {
	t.Parallel()
	f := verifier(t, func(c *altcha.Config) { c.Lifetime = time.Minute })
	token, second := f.solved(owner), f.solved(owner)
	f.clock.Advance(58 * time.Second)
	f.verify("in time", request(owner, token), nil)
	f.clock.Advance(2 * time.Second)
	f.verify("late", request(owner, second), identity.ErrCaptchaExpired)
}

// After any change to a challenge, its signature no longer matches.
func TestForged(t *testing.T) {
	t.Parallel()
	f := verifier(t)
	text, err := base64.StdEncoding.DecodeString(f.solved(owner))
	if err != nil {
		t.Fatal(err)
	}
	foreign := verifier(t, func(c *altcha.Config) { c.Secret = identity.NewSecret(strings.Repeat("x", 32)) })
	tokens := map[string]string{
		"empty": "", "not Base64": "%", "not JSON": "AAAA", "no object": "W10=", "null": "bnVsbA==",
		"server payload": base64.StdEncoding.EncodeToString([]byte(`{"algorithm":"SHA-256","verificationData":"verified=true","signature":"00","verified":true}`)),
		"test payload":   base64.StdEncoding.EncodeToString([]byte(`{"challenge":null,"solution":null,"test":true}`)),
		"too long":       strings.Repeat("A", 1<<20),
		"another secret": foreign.solved(owner),
	}
	for name, change := range map[string][2]string{
		"expiry": {`"expiresAt":`, `"expiresAt":9`}, "cost": {`"cost":100`, `"cost":1`}, "level": {`"level":0`, `"level":1`},
		"algorithm": {"PBKDF2/SHA-256", "SHA-256"}, "key": {`"derivedKey":"`, `"derivedKey":"00`}, "signature": {`"signature":"`, `"signature":"0`},
		"unsigned": {`"signature":"`, `"x":"`}, "prefix": {`"keyPrefix":"`, `"keyPrefix":"","x":"`}, "no key signature": {`"keySignature":"`, `"keySignature":"","x":"`},
		"negative counter": {`"counter":`, `"counter":-1`},
	} {
		forged := strings.Replace(string(text), change[0], change[1], 1)
		if forged == string(text) {
			t.Fatalf("%s: nothing changed in %s", name, text)
		}
		tokens[name] = base64.StdEncoding.EncodeToString([]byte(forged))
	}
	for name, token := range tokens {
		f.verify(name, request(owner, token), identity.ErrCaptchaWrong)
	}
	f.verify("as it was", request(owner, base64.StdEncoding.EncodeToString(text)), nil)
}

// Without the work a solution is refused: the prefix alone is not enough.
func TestUnsolved(t *testing.T) {
	t.Parallel()
	f := verifier(t)
	challenge := f.challenge(owner)
	var c struct{ Parameters struct{ KeyPrefix string } }
	if err := json.Unmarshal(challenge, &c); err != nil {
		t.Fatal(err)
	}
	token := fmt.Sprintf(`{"challenge":%s,"solution":{"counter":1,"derivedKey":"%s%s"}}`, challenge, c.Parameters.KeyPrefix, strings.Repeat("0", 32))
	f.verify("prefix alone", request(owner, base64.StdEncoding.EncodeToString([]byte(token))), identity.ErrCaptchaWrong)
}

func TestLevels(t *testing.T) {
	t.Parallel()
	var level atomic.Int32
	var seen atomic.Pointer[identity.CaptchaRequest]
	f := verifier(t, func(c *altcha.Config) {
		c.Level = func(_ context.Context, r identity.CaptchaRequest) (int, error) {
			seen.Store(&r)
			return int(level.Load()), nil
		}
	})
	cheap, second := f.solved(owner), f.solved(owner)
	if r := seen.Load(); r.Mobile != owner || r.Purpose != identity.PurposeForgotPassword || r.Token != "" {
		t.Errorf("Level is asked about %+v", r)
	}
	level.Store(100) // counts as the highest
	f.verify("an easy one, kept for later", request(owner, cheap), identity.ErrCaptchaExpired)
	dear := f.solved(owner)
	f.verify("as hard as asked", request(owner, dear), nil)
	dear = f.solved(owner)
	level.Store(-1)
	f.verify("harder than asked", request(owner, dear), nil)
	f.verify("easy again", request(owner, second), nil)
}

func TestFailuresRefuse(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	fails := verifier(t, func(c *altcha.Config) {
		c.Counter = counter(func() error { return down })
	})
	fails.verify("storage", request(owner, fails.solved(owner)), down)
	var err error
	level := verifier(t, func(c *altcha.Config) {
		c.Level = func(context.Context, identity.CaptchaRequest) (int, error) { return 0, err }
	})
	token := level.solved(owner)
	err = down
	level.verify("level", request(owner, token), down)
	if _, got := level.Challenge(t.Context(), request(owner, "")); !errors.Is(got, down) {
		t.Errorf("a challenge: %v", got)
	}
}

type counter func() error

func (c counter) Spend(context.Context, []limit.Limit, time.Time) ([]limit.Spent, error) {
	return nil, c()
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, err := altcha.New(altcha.Config{Secret: identity.NewSecret("short"), Levels: []altcha.Difficulty{{Iterations: 1}}, Lifetime: time.Second})
	for _, want := range []string{"Counter is missing", "Config.Secret: secret has 5 bytes", "Levels[0].Iterations", "Levels[0].Numbers", "Lifetime"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestSolveStops(t *testing.T) {
	t.Parallel()
	f := verifier(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := altcha.Solve(ctx, f.challenge(owner)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, c := range []string{"", "{}", `{"parameters":{"algorithm":"SCRYPT","keyLength":32,"cost":1,"keyPrefix":"00"}}`} {
		if _, err := altcha.Solve(t.Context(), []byte(c)); err == nil {
			t.Errorf("%q solved", c)
		}
	}
}

// In the service, the token's number and the send's number are compared in E.164.
func TestInTheService(t *testing.T) {
	t.Parallel()
	store := memory.New()
	f := verifier(t, func(c *altcha.Config) { c.Counter = store })
	s := identitytest.New(t, func(c *identity.Config) { c.Store, c.Captcha = store, f.Verifier })
	token := f.solved(owner)
	send := func(mobile string) error {
		return s.SendVerifyCode(t.Context(), identity.SendRequest{
			Caller: s.Caller(), Mobile: mobile, Purpose: identity.PurposeForgotPassword, CaptchaToken: token,
		})
	}
	if err := send("13800138000"); !errors.Is(err, identity.ErrCaptchaWrong) {
		t.Errorf("another number: %v", err)
	}
	if err := send("123 4567 8901"); err != nil {
		t.Errorf("its number: %v", err)
	}
	if err := send("12345678901"); !errors.Is(err, identity.ErrCaptchaExpired) {
		t.Errorf("again: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	v, err := altcha.New(altcha.Config{Secret: secret, Counter: memory.New(), Levels: easy})
	if err != nil {
		f.Fatal(err)
	}
	c, err := v.Challenge(context.Background(), request(stranger, ""))
	if err != nil {
		f.Fatal(err)
	}
	token, err := altcha.Solve(context.Background(), c)
	if err != nil {
		f.Fatal(err)
	}
	text, _ := base64.StdEncoding.DecodeString(token)
	f.Add(text)
	// Nothing that can be made of a stranger's token counts as the owner's.
	f.Fuzz(func(t *testing.T, text []byte) {
		err := v.VerifyCaptcha(t.Context(), request(owner, base64.StdEncoding.EncodeToString(text)))
		if !errors.Is(err, identity.ErrCaptchaWrong) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
