package altcha

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/internal/challenge"
)

// Config is everything a [Verifier] is built from. Secret and Counter are
// mandatory; every other field has a default.
type Config struct {
	// Secret signs challenges; at least 32 bytes. Mandatory. Use the same secret on
	// all servers. It may be the secret of identity.Config: other keys are derived
	// from it. When it changes, open challenges become wrong.
	Secret identity.Secret

	// Counter counts uses: any [identity.Storage]. Mandatory. All servers must share
	// it, or a token is good once on each of them.
	Counter Counter

	// Levels are the difficulties, the easiest first; at most 16. Default
	// [DefaultLevels].
	Levels []Difficulty

	// Level returns the index into Levels: 0 for a normal request, more for a suspicious
	// one. A value out of range counts as the nearest index. Level is called when a
	// challenge is made, with an empty Token, and again when the token is checked. A token
	// of a lower level than the second result is refused as expired, so that easy
	// challenges cannot be collected for later. Level must not depend on whether the number
	// has a user, because the difficulty would show it. An error fails the call. If nil,
	// the level is always 0.
	Level func(ctx context.Context, r identity.CaptchaRequest) (int, error)

	// Lifetime is how long a challenge is good for: 10 s to 1 h, default 5 min. The
	// time to solve it counts.
	Lifetime time.Duration

	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Counter is the part of [identity.Limits] that this package needs.
type Counter = challenge.Counter

// Difficulty is the work for one token. A client tries Numbers/2 numbers on
// average and Numbers at most. Each costs Iterations rounds of PBKDF2.
type Difficulty struct {
	// Iterations per number: 100 to 1,000,000. The server does this many once for
	// each challenge that it makes.
	Iterations int
	// Numbers is the count of possible answers: 1 to 100,000,000.
	Numbers int
}

// DefaultLevels returns the default difficulties, each four times as hard as the
// one before. A core of a server or a phone of 2025 does about 2 to 5 million
// iterations a second, so that the levels cost roughly 0.3, 1, 5 and 20 seconds of
// one core. A browser shares the work among its cores.
func DefaultLevels() []Difficulty {
	return []Difficulty{
		{Iterations: 1000, Numbers: 2_000},
		{Iterations: 1000, Numbers: 8_000},
		{Iterations: 1000, Numbers: 32_000},
		{Iterations: 1000, Numbers: 128_000},
	}
}

// Verifier makes challenges and checks their solutions. It implements
// [identity.CaptchaVerifier], and is safe for concurrent use.
type Verifier struct {
	cfg               Config
	signature, answer []byte // the protocol's two HMAC keys
	binding           []byte
}

var _ identity.CaptchaVerifier = (*Verifier)(nil)

// New returns a verifier, or an error that joins all faults of cfg.
func New(cfg Config) (*Verifier, error) {
	cfg.Levels = slices.Clone(cfg.Levels)
	if len(cfg.Levels) == 0 {
		cfg.Levels = DefaultLevels()
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = 5 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("altcha: Config."+format, args...))
		}
	}
	fault(cfg.Counter == nil, "Counter is missing")
	fault(len(cfg.Levels) > 16, "Levels has %d entries, must have at most 16", len(cfg.Levels))
	for i, d := range cfg.Levels {
		fault(d.Iterations < 100 || d.Iterations > 1_000_000, "Levels[%d].Iterations is %d, must be 100 to 1000000", i, d.Iterations)
		fault(d.Numbers < 1 || d.Numbers > 100_000_000, "Levels[%d].Numbers is %d, must be 1 to 100000000", i, d.Numbers)
	}
	fault(cfg.Lifetime < 10*time.Second || cfg.Lifetime > time.Hour, "Lifetime is %s, must be 10s to 1h", cfg.Lifetime)

	v := &Verifier{cfg: cfg}
	for use, key := range map[string]*[]byte{"altcha signature": &v.signature, "altcha key signature": &v.answer, "altcha binding": &v.binding} {
		derived, err := challenge.Key(cfg.Secret, use, 32)
		if err != nil {
			errs = append(errs, fmt.Errorf("altcha: Config.Secret: %w", err))
			break
		}
		*key = []byte(hex.EncodeToString(derived)) // the protocol's secrets are strings
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return v, nil
}

// Challenge returns a new challenge as JSON, as the protocol defines it, for a
// code of r.Purpose to r.Mobile, which must be E.164. r.Token is ignored.
//
// It computes one key derivation of the level's Iterations, well below a
// millisecond by default, and touches no storage. Limit how often a caller can
// ask, as for any other route.
//
// An error means that Config.Level failed.
func (v *Verifier) Challenge(ctx context.Context, r identity.CaptchaRequest) ([]byte, error) {
	r.Token = ""
	level, err := v.level(ctx, r)
	if err != nil {
		return nil, err
	}
	d := v.cfg.Levels[level]
	number, err := rand.Int(rand.Reader, big.NewInt(int64(d.Numbers)))
	if err != nil {
		return nil, fmt.Errorf("altcha: random source: %w", err)
	}
	p := parameters{
		Algorithm: algorithm,
		Cost:      d.Iterations,
		Data:      data{Bound: v.bound(r), Level: level},
		ExpiresAt: v.cfg.Now().Add(v.cfg.Lifetime).Unix(),
		KeyLength: keyLength,
		Nonce:     randomHex(),
		Salt:      randomHex(),
	}
	key, err := p.derive(uint32(number.Int64()))
	if err != nil {
		return nil, err
	}
	p.KeyPrefix = hex.EncodeToString(key[:keyLength/2])
	p.KeySignature = sign(v.answer, key)
	return marshal(signed{Parameters: p, Signature: sign(v.signature, p.canonical())})
}

// VerifyCaptcha implements [identity.CaptchaVerifier]. It uses the token up if it
// is good.
//
// Errors wrap [identity.ErrCaptchaExpired] if the challenge is too old, was used
// before, or was easier than one made now; [identity.ErrCaptchaWrong] for any other
// bad token, such as one of another number or purpose. Any other error is a failure
// of Config.Level or Config.Counter.
func (v *Verifier) VerifyCaptcha(ctx context.Context, r identity.CaptchaRequest) error {
	now := v.cfg.Now()
	s, key, err := parseToken(r.Token)
	if err != nil {
		return wrong(err.Error())
	}
	p := s.Parameters
	signature := sign(v.signature, p.canonical())
	if !hmac.Equal([]byte(signature), []byte(s.Signature)) {
		return wrong("the signature is not ours")
	}
	// The signature is valid, so Challenge wrote the parameters.
	if !hmac.Equal([]byte(p.Data.Bound), []byte(v.bound(r))) {
		return wrong("the challenge was made for another number or purpose")
	}
	if now.Unix() >= p.ExpiresAt {
		return expired("the challenge is too old")
	}
	if !hmac.Equal([]byte(sign(v.answer, key)), []byte(p.KeySignature)) {
		return wrong("the solution is wrong")
	}
	level, err := v.level(ctx, r)
	if err != nil {
		return err
	}
	if p.Data.Level < level {
		return expired("the challenge is easier than one made now")
	}
	// The id is the signature as computed here, because a token has many spellings.
	first, err := challenge.Once(ctx, v.cfg.Counter, "captcha.altcha", []byte(signature), v.cfg.Lifetime, now)
	if err != nil {
		return fmt.Errorf("altcha: count use: %w", err)
	}
	if !first {
		return expired("the challenge was used before")
	}
	return nil
}

func (v *Verifier) level(ctx context.Context, r identity.CaptchaRequest) (int, error) {
	if v.cfg.Level == nil {
		return 0, nil
	}
	level, err := v.cfg.Level(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("altcha: Config.Level: %w", err)
	}
	return min(max(level, 0), len(v.cfg.Levels)-1), nil
}

// bound returns the keyed digest that a challenge holds instead of the number. Without
// the key, the number cannot be found by trying all numbers.
func (v *Verifier) bound(r identity.CaptchaRequest) string {
	return base64.RawURLEncoding.EncodeToString(challenge.Binding(v.binding, r.Mobile, string(r.Purpose)))
}

func wrong(why string) error   { return fmt.Errorf("altcha: %s: %w", why, identity.ErrCaptchaWrong) }
func expired(why string) error { return fmt.Errorf("altcha: %s: %w", why, identity.ErrCaptchaExpired) }
