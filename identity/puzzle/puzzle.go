package puzzle

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"math"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/internal/challenge"
)

// Config is everything that [Puzzles] are built from. Secret and Counter are
// mandatory; every other field has a default.
type Config struct {
	// Secret seals the places of the holes; at least 32 bytes. Mandatory. Use the same
	// secret on all servers. It may be the secret of identity.Config: other keys are
	// derived from it. When it changes, open puzzles become wrong.
	Secret identity.Secret

	// Counter counts tries and uses: any [identity.Storage]. Mandatory. All servers
	// must share it, or a puzzle can be tried once on each of them.
	Counter Counter

	// Tolerance is by how many pixels of the picture, whose width is 310, the piece
	// may miss the hole: 1 to 10, default 5. With 5, a blind guess passes about one
	// time in fourteen; each pixel more or less changes that by a fifth.
	Tolerance int

	// Lifetime is how long a puzzle can be solved after it was drawn: 10 s to 1 h,
	// default 2 min.
	Lifetime time.Duration
	// TokenLifetime is how long a token is good after the puzzle was solved: 10 s to
	// 1 h, default 3 min.
	TokenLifetime time.Duration

	// Backgrounds are pictures to cut the hole into, drawn to 310 by 155 pixels; each
	// must have at least that size. Photographs with much detail make the hole harder
	// to find for a program. If empty, each puzzle gets a random drawing.
	Backgrounds []image.Image

	// Concurrency is how many puzzles are drawn at the same time: 1 to 1,024. Further calls
	// wait, for at most a second. Default: half the number of CPUs, at least one, so that
	// puzzles leave CPU time for other work.
	Concurrency int

	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Counter is the part of [identity.Limits] that this package needs.
type Counter = challenge.Counter

// Puzzle is a puzzle as a client gets it.
type Puzzle struct {
	// ID names the puzzle in logs. It is not secret.
	ID string
	// Token goes with the answer. It holds the place of the hole, encrypted.
	Token string
	// Picture is a PNG of 310 by 155 pixels with the hole.
	Picture []byte
	// Piece is a PNG of 47 by 155 pixels. It is transparent except for the piece, which is
	// at the height of the hole.
	Piece []byte
}

// PointY is the y of every answer: the piece moves sideways only.
const PointY = 5.0

// Puzzles draws puzzles, checks answers and then tokens. It implements
// [identity.CaptchaVerifier], and is safe for concurrent use.
type Puzzles struct {
	cfg     Config
	seal    cipher.AEAD
	binding []byte
	slots   chan struct{}
}

var _ identity.CaptchaVerifier = (*Puzzles)(nil)

// New returns Puzzles, or an error that joins all faults of cfg.
func New(cfg Config) (*Puzzles, error) {
	cfg.Backgrounds = slices.Clone(cfg.Backgrounds)
	def(&cfg.Tolerance, 5)
	def(&cfg.Lifetime, 2*time.Minute)
	def(&cfg.TokenLifetime, 3*time.Minute)
	def(&cfg.Concurrency, max(runtime.GOMAXPROCS(0)/2, 1))
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("puzzle: Config."+format, args...))
		}
	}
	fault(cfg.Counter == nil, "Counter is missing")
	fault(cfg.Tolerance < 1 || cfg.Tolerance > 10, "Tolerance is %d, must be 1 to 10", cfg.Tolerance)
	fault(cfg.Lifetime < 10*time.Second || cfg.Lifetime > time.Hour, "Lifetime is %s, must be 10s to 1h", cfg.Lifetime)
	fault(cfg.TokenLifetime < 10*time.Second || cfg.TokenLifetime > time.Hour, "TokenLifetime is %s, must be 10s to 1h", cfg.TokenLifetime)
	fault(cfg.Concurrency < 1 || cfg.Concurrency > 1024, "Concurrency is %d, must be 1 to 1024", cfg.Concurrency)
	for i, b := range cfg.Backgrounds {
		fault(b == nil || b.Bounds().Dx() < width || b.Bounds().Dy() < height, "Backgrounds[%d] is smaller than %d by %d pixels", i, width, height)
	}
	sealing, err := challenge.Key(cfg.Secret, "puzzle seal", 32)
	fault(err != nil, "Secret: %w", err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p := &Puzzles{cfg: cfg, slots: make(chan struct{}, cfg.Concurrency)}
	if p.binding, err = challenge.Key(cfg.Secret, "puzzle binding", 32); err != nil {
		return nil, fmt.Errorf("puzzle: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("puzzle: %w", err)
	}
	if p.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fmt.Errorf("puzzle: %w", err)
	}
	return p, nil
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// New draws a puzzle. It takes some milliseconds of CPU time and touches no storage.
// Limit how often a caller can ask, as for any other route.
//
// Errors: [*identity.BusyError] if too many puzzles are being drawn; the error of ctx.
func (p *Puzzles) New(ctx context.Context) (Puzzle, error) {
	const patience = time.Second
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-timer.C:
		return Puzzle{}, &identity.BusyError{RetryAfter: patience}
	case <-ctx.Done():
		return Puzzle{}, ctx.Err()
	}
	x, err := between(firstX, lastX)
	if err != nil {
		return Puzzle{}, err
	}
	y, err := between(margin, height-size-margin)
	if err != nil {
		return Puzzle{}, err
	}
	picture, piece, err := draw(x, y, p.cfg.Backgrounds)
	if err != nil {
		return Puzzle{}, fmt.Errorf("puzzle: draw: %w", err)
	}
	id := make([]byte, idBytes)
	_, _ = rand.Read(id) // never fails, see crypto/rand
	expires := p.cfg.Now().Add(p.cfg.Lifetime)
	return Puzzle{
		ID:      hex.EncodeToString(id),
		Token:   p.pack(kindPuzzle, sealed{id: id, expires: expires, x: uint16(x)}),
		Picture: picture, Piece: piece,
	}, nil
}

// Solve checks where the piece was moved to, in pixels of the picture from its left
// edge, for a code to mobile, which must be E.164. y must be [PointY]. It returns the
// token that [Puzzles.VerifyCaptcha] accepts.
//
// The puzzle is used up, whether the answer is right or wrong.
//
// Errors wrap [identity.ErrCaptchaWrong] if the place is wrong or puzzle is not a
// Puzzle.Token, and [identity.ErrCaptchaExpired] if the puzzle is too old or was tried
// before. Any other error is a failure of Config.Counter.
func (p *Puzzles) Solve(ctx context.Context, puzzle, mobile string, x, y float64) (token string, err error) {
	now := p.cfg.Now()
	s, err := p.unpack(kindPuzzle, puzzle)
	if err != nil {
		return "", err
	}
	if !now.Before(s.expires) {
		return "", expired("the puzzle is too old")
	}
	// The try is counted before the place is compared. Otherwise a puzzle could be tried
	// until it fits.
	first, err := challenge.Once(ctx, p.cfg.Counter, "captcha.puzzle", s.id, p.cfg.Lifetime, now)
	if err != nil {
		return "", fmt.Errorf("puzzle: count try: %w", err)
	}
	if !first {
		return "", expired("the puzzle was tried before")
	}
	// Written so that NaN never fits.
	if !(math.Abs(x-float64(s.x)) <= float64(p.cfg.Tolerance)) || y != PointY {
		return "", wrong("the piece is not in the hole")
	}
	solved := sealed{id: s.id, expires: now.Add(p.cfg.TokenLifetime), mobile: challenge.Binding(p.binding, mobile)}
	return fmt.Sprintf(`%s%s{"x":%.1f,"y":%.1f}`, p.pack(kindToken, solved), separator, x, y), nil
}

// VerifyCaptcha implements [identity.CaptchaVerifier]. It uses the token up if it is
// good.
//
// Errors wrap [identity.ErrCaptchaExpired] if the token is too old or was used
// before; [identity.ErrCaptchaWrong] for any other bad token, such as one of another
// number. Any other error is a failure of Config.Counter.
func (p *Puzzles) VerifyCaptcha(ctx context.Context, r identity.CaptchaRequest) error {
	now := p.cfg.Now()
	token, point, _ := strings.Cut(r.Token, separator)
	if len(point) > maxPoint {
		return wrong("the point is too long")
	}
	s, err := p.unpack(kindToken, token)
	if err != nil {
		return err
	}
	if !hmac.Equal(s.mobile, challenge.Binding(p.binding, r.Mobile)) {
		return wrong("the puzzle was solved for another number")
	}
	if !now.Before(s.expires) {
		return expired("the token is too old")
	}
	first, err := challenge.Once(ctx, p.cfg.Counter, "captcha.solved", s.id, p.cfg.TokenLifetime, now)
	if err != nil {
		return fmt.Errorf("puzzle: count use: %w", err)
	}
	if !first {
		return expired("the token was used before")
	}
	return nil
}

// between returns a random number from lo to hi, both included.
func between(lo, hi int) (int, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(hi-lo+1)))
	if err != nil {
		return 0, fmt.Errorf("puzzle: random source: %w", err)
	}
	return lo + int(n.Int64()), nil
}

func wrong(why string) error   { return fmt.Errorf("puzzle: %s: %w", why, identity.ErrCaptchaWrong) }
func expired(why string) error { return fmt.Errorf("puzzle: %s: %w", why, identity.ErrCaptchaExpired) }

const (
	// separator stands between a token and the point, as the family writes it. Base64's
	// standard alphabet does not have the character.
	separator = "---"
	maxPoint  = 100 // bytes; the point is not read again
)

var encoding = base64.RawStdEncoding.Strict()
