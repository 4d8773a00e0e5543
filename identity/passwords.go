package identity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"crypto/rand"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-16109ab2/rekey/identity/internal/gate"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/observe"
)

// passwords checks, hashes and compares passwords. Gates bound the memory and processor
// time of hashes and estimates.
type passwords struct {
	policy   *PasswordPolicy
	service  string // the service's name, which no password may contain
	breached BreachedPasswords
	asking   *hook      // calls breached
	hashes   *gate.Gate // for callers of reserveHash
	checks   *gate.Gate
	hasher   PasswordHasher
	others   argonHasher                                // reads the hashes that hasher does not
	decoy    func() (string, error)                     // the hash of a random password
	observe  func(context.Context, observe.Observation) // nil for none
	busy     func(ctx context.Context, queue string, retryAfter time.Duration) error
}

func newPasswords(c *Config, asking *hook) *passwords {
	p := &passwords{
		policy: &c.Password, service: c.ServiceName, breached: c.Breached, asking: asking,
		hashes: newHashGate(c), checks: newCheckGate(c),
		hasher: c.PasswordHasher, others: newArgonHasher(c.Hash),
	}
	if p.hasher == nil {
		p.hasher = p.others
	}
	p.decoy = sync.OnceValues(func() (string, error) { return p.hasher.Hash(NewSecret(rand.Text())) })
	return p
}

// normalize applies NFC, so that a password typed on another keyboard is the same password
// (SP 800-63B-4, 3.1.1.2). It does not trim, fold or cut the password.
func normalize(p Secret) Secret { return NewSecret(norm.NFC.String(p.Reveal())) }

// accept applies the rules whose answer does not depend on the code to a normalized
// password. The caller has a place in the queue for hashes. Errors: [*PasswordError],
// [*BusyError], the error of ctx, and a [*HookError] of the breach look-up.
func (p *passwords) accept(ctx context.Context, l *place, password Secret, number mobile.Number) error {
	var refused error
	switch err := p.checks.Do(ctx, func() { refused = p.policy.check(password.Reveal(), number, p.service) }); {
	case errors.Is(err, gate.ErrFull):
		return p.busy(ctx, checkQueue, p.checks.Drain())
	case err != nil:
		return fmt.Errorf("identity: wait for the password check: %w", err)
	}
	if refused == nil {
		refused = p.accepts(password)
	}
	if refused != nil || p.breached == nil {
		return refused
	}
	return l.lend(ctx, func() error {
		breached, err := call(ctx, p.asking, func(ctx context.Context) (bool, error) { return p.breached.Breached(ctx, password) })
		if err != nil {
			return failedHook(p.asking, err)
		}
		if breached {
			return &PasswordError{Fault: PasswordWeak}
		}
		return nil
	})
}

// hashed runs f when the gate has a free slot. The caller has a place in the queue for
// hashes.
func (p *passwords) hashed(ctx context.Context, f func()) error {
	asked := time.Now()
	var began time.Time
	if err := p.hashes.Wait(ctx, func() { began = time.Now(); f() }); err != nil {
		return fmt.Errorf("identity: wait for hashing: %w", err)
	}
	if p.observe != nil {
		p.observe(ctx, observe.Observation{Kind: observe.KindHash, Outcome: "done", Waited: began.Sub(asked), Took: time.Since(began)})
	}
	return nil
}

// create hashes a normalized password, for a caller with a place in the queue.
func (p *passwords) create(ctx context.Context, password Secret) (phc string, err error) {
	var hashErr error
	err = p.hashed(ctx, func() { phc, hashErr = p.hasher.Hash(password) })
	if err == nil && hashErr != nil {
		err = fmt.Errorf("identity: hash password: %w", hashErr)
	}
	return phc, err
}

// matches compares a normalized password with a stored hash. An empty or unreadable hash
// never matches, but costs the same work. The caller has a place in the queue.
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
	err := p.hashed(ctx, func() { ok, matchErr = matches(phc, password) })
	return ok && readable, errors.Join(err, matchErr)
}

// current reports whether create would make such a hash today.
func (p *passwords) current(phc string) bool { return p.hasher.Current(phc) }

// readable reports whether a stored hash can be compared with a password.
func (p *passwords) readable(phc string) bool {
	return phc != "" && (p.hasher.Reads(phc) || p.others.Reads(phc))
}
