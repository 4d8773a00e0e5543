package identity

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity/observe"
)

func (s *Service) observe(ctx context.Context, o observe.Observation) {
	if s.cfg.Observer != nil {
		s.cfg.Observer.Observe(ctx, o)
	}
}
