package captcha

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/internal/challenges"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/puzzle"
)

// Config configures the routes. Service, Counter, and Puzzles or Altcha are mandatory.
type Config struct {
	// Service checks the application and reads numbers. Mandatory.
	Service *identity.Service
	// Puzzles, if not nil, adds the routes of the sliding puzzle.
	Puzzles *puzzle.Puzzles
	// Altcha, if not nil, adds the route of the proof of work.
	Altcha *altcha.Verifier

	// Counter counts requests by address: any [identity.Storage]. Mandatory.
	Counter Counter
	// PerAddress is how many puzzles and challenges together one address can ask for,
	// those of the page in package resetpage included.
	// Default 60 in 10 minutes, more codes than an office behind one address sends. An
	// address is an IPv4 address or an IPv6 /64; a /56 can ask for twice, an IPv4 /24 or
	// IPv6 /48 for four times as many.
	PerAddress []limit.Rate

	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Counter is the part of [identity.Limits] that this package needs.
type Counter interface {
	Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error)
}

// The paths, below httpadapter.Options.Prefix.
const (
	PathPuzzle    = "/api/v2/sdk/captcha"
	PathVerify    = "/api/v2/sdk/captcha/verify"
	PathChallenge = "/api/v2/sdk/captcha/challenge"
)

// Routes returns the routes for httpadapter.Options, or an error that joins all faults
// of cfg.
func Routes(cfg Config) ([]httpadapter.Route, error) {
	cfg.PerAddress = slices.Clone(cfg.PerAddress)
	if len(cfg.PerAddress) == 0 {
		cfg.PerAddress = challenges.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("captcha: Config."+format, args...))
		}
	}
	fault(cfg.Service == nil, "Service is missing")
	fault(cfg.Puzzles == nil && cfg.Altcha == nil, "Puzzles and Altcha are missing: set at least one")
	fault(cfg.Counter == nil, "Counter is missing")
	if err := challenges.Check(cfg.PerAddress); err != nil {
		fault(true, "PerAddress: %w", err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}

	s := &server{cfg}
	var routes []httpadapter.Route
	if cfg.Puzzles != nil {
		routes = append(routes,
			httpadapter.Route{Method: http.MethodGet, Path: PathPuzzle, Call: s.puzzle, Operation: operation("puzzle")},
			httpadapter.Route{
				Method: http.MethodPost, Path: PathVerify, Call: s.verify, Operation: operation("verify"),
				Fields: []httpadapter.Field{{Name: fieldPoint, Object: true}, {Name: fieldToken}, {Name: fieldSender}},
			})
	}
	if cfg.Altcha != nil {
		routes = append(routes, httpadapter.Route{
			Method: http.MethodPost, Path: PathChallenge, Call: s.challenge, Operation: operation("challenge"),
			Fields: []httpadapter.Field{{Name: fieldMobile}, {Name: fieldType}},
		})
	}
	return routes, nil
}

const (
	fieldPoint  = "point_json"
	fieldToken  = "token"
	fieldSender = "sender"
	fieldMobile = "mobile"
	fieldType   = "type"
)

type server struct {
	Config
}

// admit checks the application, and charges the address for one request.
func (s *server) admit(ctx context.Context, c identity.Caller) error {
	if err := s.Service.CheckCaller(ctx, c); err != nil {
		return err
	}
	if err := challenges.Admit(ctx, s.Counter, s.PerAddress, c.Address, s.Now()); err != nil {
		return fmt.Errorf("captcha: %w", err)
	}
	return nil
}
