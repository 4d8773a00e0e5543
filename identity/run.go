package identity

import (
	"context"
	"sync"
	"time"
)

const (
	purgeInterval = time.Minute
	purgeBatch    = 500
	// trusted is how many readings of the clock, one each purgeInterval, must agree
	// that a row is over before it is removed. So a clock that was wrong for some
	// minutes removes nothing.
	trusted = 10
)

// Run delivers queued messages and events, and removes expired rows, until ctx
// ends. Then it waits for deliveries under way and returns nil. Call it in a
// goroutine of its own, once per process. Several processes on one database
// share the work.
//
// Codes, notices and events have a lane each, so that none waits for another. Run
// tries a message, with growing pauses, until the provider accepts it, the provider
// refuses it for good, or the message expires. Failures are logged, each kind at
// most once a minute, and tried again. At the start, Run logs each text that needs
// more than one SMS segment.
func (s *Service) Run(ctx context.Context) error {
	s.logTestNumbers(ctx)
	for _, l := range s.TextLengths() {
		if l.Length.Segments > 1 {
			s.cfg.Logger.WarnContext(ctx, "text needs more than one segment, and each segment is charged", "language", l.Language, "kind", string(l.Kind),
				"purpose", string(l.Purpose), "segments", l.Length.Segments, "units", l.Length.Units, "encoding", string(l.Length.Encoding))
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.purge(ctx) })
	s.relay.run(ctx)
	wg.Wait()
	return nil
}

// purge removes expired rows in bounded batches.
func (s *Service) purge(ctx context.Context) {
	ticker := time.NewTicker(s.purgeEvery)
	defer ticker.Stop()
	var readings []time.Time
	for {
		readings = append(readings, s.now())
		if len(readings) > trusted {
			readings = readings[1:]
		}
		if len(readings) == trusted {
			earliest := readings[0]
			for _, r := range readings {
				if r.Before(earliest) {
					earliest = r
				}
			}
			for s.purgeBatch(ctx, earliest) {
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Service) purgeBatch(ctx context.Context, now time.Time) (more bool) {
	if ctx.Err() != nil {
		return false
	}
	p := Purge{Now: now, Max: purgeBatch}
	if s.cfg.MessageRetention > 0 {
		p.MessagesBefore = now.Add(-s.cfg.MessageRetention)
	}
	if s.cfg.EventRetention > 0 {
		p.EventsBefore = now.Add(-s.cfg.EventRetention)
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	n, err := s.store.Purge(callCtx, p)
	if err != nil && ctx.Err() == nil {
		s.log.once(ctx, "purge failed", "error", err)
	}
	return err == nil && n >= purgeBatch
}
