package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/internal/gate"
	"github.com/seed-16109ab2/rekey/identity/internal/keyring"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/internal/wait"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/observe"
)

// Service sends and checks codes, resets passwords and checks logins. It is safe for
// concurrent use.
type Service struct {
	cfg       Config
	store     Storage
	people    Users // store, unless the application keeps people elsewhere
	keys      *keyring.Ring
	ids       *ids
	meter     meter
	mobiles   mobile.Parser
	passwords *passwords
	steps     *gate.Gate // use cases that work on storage
	relay     *relay
	trail     *trail
	writer    *writer
	log       *quietLog
	alarmed   alarmMemory
	backlog   backlogMemory
	outage    outage
	checked   atomic.Int64 // when the storage's check passed, in Unix ms by the real clock
	// purgeEvery is purgeInterval, but in tests.
	purgeEvery time.Duration
	hooks      hooks
	tests      testNumbers
}

// New checks the configuration, reports all of its faults together, and returns
// a service. It opens nothing and starts no goroutine: call [Service.Run] to have
// messages delivered. Errors: those of [Config.Validate].
func New(cfg Config) (*Service, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	secrets := []string{cfg.Secret.Reveal()}
	for _, s := range cfg.OldSecrets {
		secrets = append(secrets, s.Reveal())
	}
	keys, err := keyring.New(secrets...)
	if err != nil {
		return nil, fmt.Errorf("identity: derive keys: %w", err)
	}
	s := &Service{
		cfg: cfg, store: cfg.Store, people: cfg.Store, keys: keys,
		ids:        newIDs(rand.Reader),
		mobiles:    mobile.Parser{Region: cfg.DefaultRegion, Countries: cfg.Countries},
		steps:      newStorageGate(&cfg),
		writer:     newWriter(&cfg),
		log:        newQuietLog(cfg.Logger, cfg.Now),
		purgeEvery: purgeInterval,
		hooks:      newHooks(&cfg),
		tests:      newTestNumbers(&cfg),
	}
	s.passwords = newPasswords(&cfg, s.hooks.breached)
	s.passwords.busy = s.busy
	if cfg.Observer != nil {
		s.store = observedStore{in: cfg.Store, observer: cfg.Observer}
		s.people = s.store
		s.passwords.observe = s.observe
	}
	if cfg.Users != nil {
		s.people = cfg.Users
	}
	s.meter = meter{policy: &s.cfg.Limits, budget: &s.cfg.Budget, keys: keys, shards: shardsOf(s.cfg.Store), retain: numberRetain(&s.cfg.Limits)}
	s.relay = &relay{store: s.store, keys: keys, ids: s.ids, now: s.now, log: s.log, timeout: cfg.StorageTimeout}
	s.relay.lanes = s.newLanes()
	s.trail = &trail{ids: s.ids, relay: s.relay, life: cfg.EventLifetime, observe: s.observeEvent}
	if cfg.OnEvent != nil {
		s.trail.deliver = cfg.EventTypes
	}
	return s, nil
}

// now is the clock as storage keeps it: UTC, in whole milliseconds.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

// deadline bounds one storage call.
func (s *Service) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.StorageTimeout)
}

// parse reads a number that a caller gave.
func (s *Service) parse(input string) (mobile.Number, error) {
	n, err := s.mobiles.Parse(input)
	if err != nil {
		return mobile.Number{}, ErrInvalidMobile
	}
	return n, nil
}

func (s *Service) subject(sc scope, c Caller, number mobile.Number) subject {
	return subject{tenant: sc.tenant, client: sc.client.ID, device: c.Device, number: number, address: c.Address}
}

// level waits until the time since start is a whole number of steps. The wait hides
// how long the look-ups took, so it uses the real clock.
func (s *Service) level(ctx context.Context, start time.Time) {
	step := s.cfg.AnswerStep
	if step <= 0 {
		return
	}
	elapsed := time.Since(start)
	wait.Until(ctx, start.Add(elapsed-elapsed%step+step))
}

// aside returns a context for work that must be done even if the caller has left.
func (s *Service) aside(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.cfg.StorageTimeout)
}

// observeEvent reports an event, and the provider that took the redeemed code; empty for
// other events.
func (s *Service) observeEvent(e audit.Event, provider string) {
	outcome := string(e.Type)
	if e.Outcome != "" && e.Type != audit.LimitAlarm {
		outcome += "/" + reasonOf(e.Outcome)
	}
	s.observe(context.Background(), observe.Observation{Kind: observe.KindEvent, Purpose: e.Purpose, Country: mobile.MainRegion(e.Mobile), Provider: provider, Outcome: outcome})
}

// reasonOf returns an outcome without the detail that a guard or a limit adds to it.
func reasonOf(outcome string) string {
	for i, c := range outcome {
		if c == ':' {
			return outcome[:i]
		}
	}
	return outcome
}

// spend spends limits with a deadline.
func (s *Service) spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	return s.store.Spend(ctx, limits, now)
}

// changeLimits changes states although the caller may have left.
func (s *Service) changeLimits(ctx context.Context, changes []limit.Change, now time.Time) error {
	ctx, cancel := s.aside(ctx)
	defer cancel()
	return s.store.ChangeLimits(ctx, changes, now)
}

// limited turns a store's refusal into the error for the caller, and logs which rules
// refused.
func (s *Service) limited(ctx context.Context, err error, doing string) error {
	refused, ok := errors.AsType[*limit.Error](err)
	if !ok {
		s.observe(ctx, observe.Observation{Kind: observe.KindFault, Outcome: doing})
		return fmt.Errorf("identity: %s: %w", doing, err)
	}
	for _, r := range refused.Refused {
		s.log.logKind(ctx, "limit: "+r.Rule, "refused by a limit", "limit", r.Rule, "key", string(r.Key), "retry_after", refused.RetryAfter)
		s.observe(ctx, observe.Observation{Kind: observe.KindLimit, Outcome: r.Rule})
	}
	return &RateLimitedError{RetryAfter: max(refused.RetryAfter, time.Millisecond)}
}

// look refuses a request before any work if the limits would refuse it afterwards.
// usage is the used share of the limit that is used most.
func (s *Service) look(ctx context.Context, limits ...limit.Limit) (usage float64, err error) {
	usage, refused, err := s.readLimits(ctx, limits)
	if err == nil && refused != nil {
		err = s.limited(ctx, refused, "look at limits")
	}
	return usage, err
}

// usage returns the used share of the limit that is used most; 1 is used up. Unlike
// look it refuses nothing.
func (s *Service) usage(ctx context.Context, limits ...limit.Limit) (float64, error) {
	usage, _, err := s.readLimits(ctx, limits)
	return usage, err
}

func (s *Service) readLimits(ctx context.Context, limits []limit.Limit) (usage float64, refused *limit.Error, err error) {
	states, err := s.limitStates(ctx, limits)
	if err != nil {
		return 0, nil, err
	}
	return s.lookAt(ctx, limits, states)
}

func (s *Service) limitStates(ctx context.Context, limits []limit.Limit) (map[limit.Key][][]byte, error) {
	keys := make([]limit.Key, len(limits))
	for i, l := range limits {
		keys[i] = l.Key
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	states, err := s.store.LimitStates(callCtx, keys)
	if err != nil {
		return nil, s.limited(ctx, err, "look at limits")
	}
	return states, nil
}

func (s *Service) lookAt(ctx context.Context, limits []limit.Limit, states map[limit.Key][][]byte) (usage float64, refused *limit.Error, err error) {
	now := s.now()
	for _, l := range limits {
		used, err := l.Look(states[l.Key], now)
		if le, ok := errors.AsType[*limit.Error](err); ok {
			refused = refused.Join(le)
		} else if err != nil {
			return 0, nil, s.limited(ctx, err, "look at limits")
		}
		usage = max(usage, used)
	}
	return usage, refused, nil
}
