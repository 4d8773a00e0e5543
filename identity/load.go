package identity

import (
	"context"
	"fmt"

	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

// Load describes how busy the service is at one moment, for gauges.
type Load struct {
	// HashesWaiting is how many callers of this process wait for a hash.
	HashesWaiting int
	// Lanes are the lanes with pending messages, of all processes on the storage.
	Lanes []outbox.LaneLoad
	// BudgetUsed is the used share of the fullest rate of [BudgetPolicy].Total: 0 for
	// nothing, 1 when no message is sent any more.
	BudgetUsed float64
}

// Load reads how busy the service is. It makes two cheap queries: call it every few
// seconds, not for every request. Errors: failures of the storage; the fields that need no
// storage are set anyway.
func (s *Service) Load(ctx context.Context) (Load, error) {
	load := Load{HashesWaiting: s.passwords.hashes.Waiting()}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	backlog, err := s.store.Backlog(callCtx)
	if err != nil {
		return load, fmt.Errorf("identity: read backlog: %w", err)
	}
	for _, b := range backlog {
		load.Lanes = append(load.Lanes, outbox.LaneLoad{Lane: b.Lane, Pending: b.Pending, Late: max(s.now().Sub(b.Earliest), 0)})
	}
	total := s.meter.total("messages", kindMoney)
	total.Rules = []limit.Rule{{Name: "messages in total", Rates: s.cfg.Budget.Total}}
	load.BudgetUsed, err = s.usage(ctx, total)
	return load, err
}
