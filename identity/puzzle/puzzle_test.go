package puzzle_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/puzzle"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

const owner, stranger = "+8612345678901", "+8613800138000"

type fixture struct {
	*puzzle.Puzzles
	clock *identitytest.Clock
	t     *testing.T
}

func puzzles(t *testing.T, configure ...func(*puzzle.Config)) *fixture {
	t.Helper()
	f := &fixture{clock: identitytest.NewClock(time.Now()), t: t}
	cfg := puzzle.Config{Secret: identity.NewSecret(strings.Repeat("s", 32)), Counter: memory.New(), Now: f.clock.Now, Concurrency: 64}
	for _, c := range configure {
		c(&cfg)
	}
	p, err := puzzle.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Puzzles = p
	return f
}

func (f *fixture) new() puzzle.Puzzle {
	f.t.Helper()
	p, err := f.New(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func (f *fixture) solved(mobile string) string {
	f.t.Helper()
	p := f.new()
	token, err := f.Solve(f.t.Context(), p.Token, mobile, float64(f.Hole(p.Token)), puzzle.PointY)
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

func (f *fixture) verify(what, mobile, token string, want error) {
	f.t.Helper()
	f.check(what, f.VerifyCaptcha(f.t.Context(), identity.CaptchaRequest{Token: token, Mobile: mobile, Purpose: identity.PurposeForgotPassword}), want)
}

func (f *fixture) check(what string, err, want error) {
	f.t.Helper()
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		f.t.Errorf("%s: %v, want %v", what, err, want)
	}
	if err != nil && strings.Contains(err.Error(), owner) {
		f.t.Errorf("%s: the error contains the number: %v", what, err)
	}
}

func TestSolvedOnceForOneNumber(t *testing.T) {
	t.Parallel()
	f := puzzles(t)
	token := f.solved(owner)
	if !regexp.MustCompile(`^[A-Za-z0-9+/]+---\{"x":\d+\.\d,"y":5\.0\}$`).MatchString(token) {
		t.Errorf("the token is %s", token)
	}
	f.verify("another number", stranger, token, identity.ErrCaptchaWrong)
	f.verify("its number", owner, token, nil)
	f.verify("again", owner, token, identity.ErrCaptchaExpired)
	bare, _, _ := strings.Cut(token, "---")
	for _, other := range []string{bare, bare + "---", bare + `---{"x":1.0,"y":5.0}`, bare + "---x---y"} {
		f.verify("again as "+other[len(bare):], owner, other, identity.ErrCaptchaExpired)
	}
	f.verify("again with a line break", owner, bare[:10]+"\r\n"+bare[10:], identity.ErrCaptchaExpired)
	f.verify("again with padding", owner, bare+"=", identity.ErrCaptchaWrong)
}

func TestTolerance(t *testing.T) {
	t.Parallel()
	f := puzzles(t, func(c *puzzle.Config) { c.Tolerance = 3 })
	for off, want := range map[float64]error{
		0: nil, 3: nil, -3: nil, 2.9: nil, 3.1: identity.ErrCaptchaWrong, -3.1: identity.ErrCaptchaWrong, 50: identity.ErrCaptchaWrong,
		math.NaN(): identity.ErrCaptchaWrong, math.Inf(1): identity.ErrCaptchaWrong, math.Inf(-1): identity.ErrCaptchaWrong,
	} {
		p := f.new()
		_, err := f.Solve(t.Context(), p.Token, owner, float64(f.Hole(p.Token))+off, puzzle.PointY)
		f.check("a miss", err, want)
	}
	for _, y := range []float64{0, 5.1, math.NaN()} {
		p := f.new()
		_, err := f.Solve(t.Context(), p.Token, owner, float64(f.Hole(p.Token)), y)
		f.check("another y", err, identity.ErrCaptchaWrong)
	}
}

// One puzzle allows one try, no matter who tries and how many try at the same time.
func TestOneTry(t *testing.T) {
	t.Parallel()
	f := puzzles(t)
	p := f.new()
	_, err := f.Solve(t.Context(), p.Token, owner, 0, puzzle.PointY)
	f.check("wrong", err, identity.ErrCaptchaWrong)
	_, err = f.Solve(t.Context(), p.Token, owner, float64(f.Hole(p.Token)), puzzle.PointY)
	f.check("right, after that", err, identity.ErrCaptchaExpired)

	p = f.new()
	var wg sync.WaitGroup
	var tokens atomic.Int32
	for range 30 {
		wg.Go(func() {
			if _, err := f.Solve(t.Context(), p.Token, owner, float64(f.Hole(p.Token)), puzzle.PointY); err == nil {
				tokens.Add(1)
			}
		})
	}
	wg.Wait()
	if tokens.Load() != 1 {
		t.Errorf("%d tokens for one puzzle", tokens.Load())
	}
}

func TestExpires(t *testing.T) {
	t.Parallel()
	f := puzzles(t, func(c *puzzle.Config) { c.Lifetime, c.TokenLifetime = time.Minute, 30*time.Second })
	solve := func(p puzzle.Puzzle) error {
		_, err := f.Solve(t.Context(), p.Token, owner, float64(f.Hole(p.Token)), puzzle.PointY)
		return err
	}
	first, second := f.new(), f.new()
	f.clock.Advance(59 * time.Second)
	f.check("in time", solve(first), nil)
	a, b := f.solved(owner), f.solved(owner)
	f.clock.Advance(time.Second)
	f.check("late", solve(second), identity.ErrCaptchaExpired)
	f.clock.Advance(28 * time.Second)
	f.verify("token in time", owner, a, nil)
	f.clock.Advance(time.Second)
	f.verify("token late", owner, b, identity.ErrCaptchaExpired)
}

// Two servers with the same secret and storage act as one.
func TestSeveralServers(t *testing.T) {
	t.Parallel()
	store := memory.New()
	shared := func(c *puzzle.Config) { c.Counter = store }
	one, two := puzzles(t, shared), puzzles(t, shared)
	p := one.new()
	token, err := two.Solve(t.Context(), p.Token, owner, float64(one.Hole(p.Token)), puzzle.PointY)
	two.check("solved at the other", err, nil)
	_, err = one.Solve(t.Context(), p.Token, owner, float64(one.Hole(p.Token)), puzzle.PointY)
	one.check("and here", err, identity.ErrCaptchaExpired)
	one.verify("used here", owner, token, nil)
	two.verify("and at the other", owner, token, identity.ErrCaptchaExpired)
	foreign := puzzles(t, func(c *puzzle.Config) { c.Secret = identity.NewSecret(strings.Repeat("x", 32)) })
	foreign.verify("at a server with another secret", owner, one.solved(owner), identity.ErrCaptchaWrong)
}

func TestForged(t *testing.T) {
	t.Parallel()
	f := puzzles(t)
	token, p := f.solved(owner), f.new()
	for name, forged := range map[string]string{
		"empty": "", "text": "x", "an unsolved puzzle": p.Token, "an unsolved puzzle with a point": p.Token + `---{"x":237.0,"y":5.0}`,
		"no token": `---{"x":237.0,"y":5.0}`, "cut": token[1:], "long": strings.Repeat("A", 1<<20), "long point": token + strings.Repeat(" ", 1<<10),
		"other letter": "A" + token[1:],
	} {
		if name == "other letter" && token[0] == 'A' {
			forged = "B" + token[1:]
		}
		f.verify(name, owner, forged, identity.ErrCaptchaWrong)
	}
	// A token is not a puzzle either.
	bare, _, _ := strings.Cut(token, "---")
	_, err := f.Solve(t.Context(), bare, owner, 0, puzzle.PointY)
	f.check("a token as a puzzle", err, identity.ErrCaptchaWrong)
	f.verify("as it was", owner, token, nil)
}

func TestStorageDown(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	var err error
	f := puzzles(t, func(c *puzzle.Config) { c.Counter = counter(func() error { return err }) })
	token, p := f.solved(owner), f.new()
	err = down
	f.verify("use", owner, token, down)
	_, got := f.Solve(t.Context(), p.Token, owner, float64(f.Hole(p.Token)), puzzle.PointY)
	f.check("try", got, down)
}

type counter func() error

func (c counter) Spend(context.Context, []limit.Limit, time.Time) ([]limit.Spent, error) {
	return nil, c()
}

// The pictures are those that the family's widgets expect, and the piece fits.
func TestPictures(t *testing.T) {
	t.Parallel()
	background := image.NewGray(image.Rect(-3, -3, 400, 200))
	for i := range background.Pix {
		background.Pix[i] = uint8(50 + i%151)
	}
	for name, configure := range map[string]func(*puzzle.Config){
		"drawn":   func(*puzzle.Config) {},
		"photo":   func(c *puzzle.Config) { c.Backgrounds = []image.Image{background} },
		"smaller": func(c *puzzle.Config) { c.Backgrounds = []image.Image{background.SubImage(image.Rect(7, 7, 317, 162))} },
	} {
		f := puzzles(t, configure)
		seen := map[int]bool{}
		for range 8 {
			p := f.new()
			picture, piece := decode(t, p.Picture), decode(t, p.Piece)
			if picture.Bounds().Size() != image.Pt(310, 155) || piece.Bounds().Size() != image.Pt(47, 155) {
				t.Fatalf("%s: sizes %v and %v", name, picture.Bounds(), piece.Bounds())
			}
			if len(p.Picture) > 100<<10 {
				t.Errorf("%s: a picture of %d bytes", name, len(p.Picture))
			}
			hole := f.Hole(p.Token)
			seen[hole] = true
			if hole < puzzle.FirstX || hole > puzzle.LastX {
				t.Errorf("%s: the hole is at %d", name, hole)
			}
			fits(t, name, picture, piece, hole)
		}
		if len(seen) < 4 {
			t.Errorf("%s: 8 puzzles have %d places", name, len(seen))
		}
	}
}

func decode(t *testing.T, b []byte) image.Image {
	t.Helper()
	i, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// fits checks that the picture under the piece's core is the piece in shadow.
func fits(t *testing.T, name string, picture, piece image.Image, hole int) {
	t.Helper()
	const shadow = 1 - 120.0/255
	solid := 0
	for y := range 155 {
		for x := range 47 {
			c := color.NRGBAModel.Convert(piece.At(x, y)).(color.NRGBA)
			if c.A < 255 || c.R > 235 { // outside, or the white rim
				continue
			}
			solid++
			under := color.NRGBAModel.Convert(picture.At(hole+x, y)).(color.NRGBA)
			if diff := math.Abs(float64(c.G)*shadow - float64(under.G)); diff > 40 {
				t.Errorf("%s: at %d,%d the piece has %v, the picture %v", name, x, y, c, under)
				return
			}
		}
	}
	if solid < 400 {
		t.Errorf("%s: the piece has %d pixels", name, solid)
	}
}

// Drawing takes CPU time: in a flood callers wait, and are then told to come back.
func TestDrawingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, drawingIsBounded)
}

func drawingIsBounded(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	f := puzzles(t, func(c *puzzle.Config) {
		c.Concurrency = 1
		now := c.Now
		var once sync.Once
		c.Now = func() time.Time {
			once.Do(func() { close(entered); <-release })
			return now()
		}
	})
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = f.New(t.Context()) })
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.New(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that left: %v", err)
	}
	_, err := f.New(t.Context())
	if busy, ok := errors.AsType[*identity.BusyError](err); !ok || busy.RetryAfter <= 0 {
		t.Errorf("one too many: %v", err)
	}
	close(release)
	wg.Wait()
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, err := puzzle.New(puzzle.Config{
		Secret: identity.NewSecret("short"), Tolerance: 11, Lifetime: 1, TokenLifetime: 1, Concurrency: -1, Backgrounds: []image.Image{image.NewGray(image.Rect(0, 0, 309, 155))},
	})
	for _, want := range []string{"Counter", "Config.Secret: secret has 5 bytes", "Tolerance", ".Lifetime", "TokenLifetime", "Concurrency", "Backgrounds[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestInTheService(t *testing.T) {
	t.Parallel()
	store := memory.New()
	f := puzzles(t, func(c *puzzle.Config) { c.Counter = store })
	s := identitytest.New(t, func(c *identity.Config) { c.Store, c.Captcha = store, f.Puzzles })
	token := f.solved(owner)
	for _, c := range []struct {
		mobile string
		want   error
	}{{"13800138000", identity.ErrCaptchaWrong}, {"+86 123 4567 8901", nil}, {"12345678901", identity.ErrCaptchaExpired}} {
		f.check(c.mobile, s.SendVerifyCode(t.Context(), identity.SendRequest{
			Caller: s.Caller(), Mobile: c.mobile, Purpose: identity.PurposeForgotPassword, CaptchaToken: token,
		}), c.want)
	}
}

func FuzzVerify(f *testing.F) {
	p, err := puzzle.New(puzzle.Config{Secret: identity.NewSecret(strings.Repeat("s", 32)), Counter: memory.New()})
	if err != nil {
		f.Fatal(err)
	}
	drawn, err := p.New(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	token, err := p.Solve(context.Background(), drawn.Token, stranger, float64(p.Hole(drawn.Token)), puzzle.PointY)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(drawn.Token)
	f.Add(token)
	// Nothing that can be made of a stranger's token counts as the owner's.
	f.Fuzz(func(t *testing.T, token string) {
		err := p.VerifyCaptcha(t.Context(), identity.CaptchaRequest{Token: token, Mobile: owner})
		if !errors.Is(err, identity.ErrCaptchaWrong) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
