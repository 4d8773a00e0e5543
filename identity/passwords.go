package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"crypto/rand"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
	"github.com/seed-16109ab2/rekey/identity/observe"
)

// passwords checks, hashes and compares passwords. Hashes and estimates run
// behind gates that bound memory and processor time.
type passwords struct {
	policy   *PasswordPolicy
	service  string // the service's name, which no password may contain
	breached BreachedPasswords
	asking   *hook // asks breached
	hashes   *passhash.Gate
	checks   *passhash.Gate
	hasher   PasswordHasher
	others   argonHasher                                // reads the hashes that hasher does not
	decoy    func() (string, error)                     // the hash of a random password
	observe  func(context.Context, observe.Observation) // nil for none
}

func newPasswords(c *Config, asking *hook) *passwords {
	p := &passwords{
		policy: &c.Password, service: c.ServiceName, breached: c.Breached, asking: asking,
		hashes: passhash.NewGate(c.HashConcurrency, c.HashQueue, c.HashWait),
		checks: passhash.NewGate(c.HashConcurrency, c.HashQueue, c.HashWait),
		hasher: c.PasswordHasher, others: newArgonHasher(c.Hash),
	}
	if p.hasher == nil {
		p.hasher = p.others
	}
	p.decoy = sync.OnceValues(func() (string, error) { return p.hasher.Hash(NewSecret(rand.Text())) })
	return p
}

// normalize applies NFC, so that a password typed on another keyboard is the
// same password (SP 800-63B-4, 3.1.1.2). Nothing is trimmed, folded or cut.
func normalize(p Secret) Secret { return NewSecret(norm.NFC.String(p.Reveal())) }

// accept applies the rules that no code can change the answer of to a normalized
// password. Errors: [*PasswordError], [*BusyError], ctx's, and a [*HookError] of
// the breach look-up.
func (p *passwords) accept(ctx context.Context, password Secret, number mobile.Number) error {
	var refused error
	if err := p.gated(ctx, p.checks, func() { refused = p.policy.check(password.Reveal(), number, p.service) }); err != nil {
		return err
	}
	if refused == nil {
		refused = p.accepts(password)
	}
	if refused != nil || p.breached == nil {
		return refused
	}
	breached, err := call(ctx, p.asking, func(ctx context.Context) (bool, error) { return p.breached.Breached(ctx, password) })
	if err != nil {
		return failedHook(p.asking, err)
	}
	if breached {
		return &PasswordError{Fault: PasswordWeak}
	}
	return nil
}

// reserve keeps a place in the queue for a hash, before anything is charged for
// it. Call leave when the place is not needed any more.
func (p *passwords) reserve() (leave func(), err error) {
	leave, err = p.hashes.Reserve()
	if err != nil {
		return nil, p.busy(p.hashes)
	}
	return leave, nil
}

func (p *passwords) busy(g *passhash.Gate) error {
	if p.observe != nil {
		queue := "hash queue"
		if g == p.checks {
			queue = "password check queue"
		}
		p.observe(context.Background(), observe.Observation{Kind: observe.KindBusy, Outcome: queue})
	}
	return &BusyError{RetryAfter: cmp.Or(g.Drain(), time.Second)}
}

// gated runs f when the gate lets it.
func (p *passwords) gated(ctx context.Context, g *passhash.Gate, f func()) error {
	asked := time.Now()
	var began time.Time
	err := g.Do(ctx, func() { began = time.Now(); f() })
	if p.observe != nil && err == nil && g == p.hashes {
		p.observe(ctx, observe.Observation{Kind: observe.KindHash, Outcome: "done", Waited: began.Sub(asked), Took: time.Since(began)})
	}
	if errors.Is(err, passhash.ErrFull) {
		return p.busy(g)
	}
	if err != nil {
		return fmt.Errorf("identity: wait for hashing: %w", err)
	}
	return nil
}

// create hashes a normalized password.
func (p *passwords) create(ctx context.Context, password Secret) (phc string, err error) {
	var hashErr error
	err = p.gated(ctx, p.hashes, func() { phc, hashErr = p.hasher.Hash(password) })
	if err == nil && hashErr != nil {
		err = fmt.Errorf("identity: hash password: %w", hashErr)
	}
	return phc, err
}

// matches compares a normalized password with a stored hash. An empty hash, or one
// that cannot be read, matches nothing; the same work is done for it.
func (p *passwords) matches(ctx context.Context, phc string, password Secret) (bool, error) {
	readable := p.readable(phc)
	if !readable {
		decoy, err := p.decoy()
		if err != nil {
			return false, fmt.Errorf("identity: hash: %w", err)
		}
		phc = decoy
	}
	matches := p.others.Matches
	if p.hasher.Reads(phc) {
		matches = p.hasher.Matches
	}
	var ok bool
	var matchErr error
	err := p.gated(ctx, p.hashes, func() { ok, matchErr = matches(phc, password) })
	return ok && readable, errors.Join(err, matchErr)
}

// current reports whether a stored hash is what create would make today.
func (p *passwords) current(phc string) bool { return p.hasher.Current(phc) }

// readable reports whether a stored hash can be compared with a password.
func (p *passwords) readable(phc string) bool {
	return phc != "" && (p.hasher.Reads(phc) || p.others.Reads(phc))
}
