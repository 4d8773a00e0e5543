package identity

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/observe"
)

// alarmMemory remembers which alarms this process raised, so that a flood asks the storage
// only once per window. It is small, because there are few alarms.
type alarmMemory struct {
	mu    sync.Mutex
	until map[limit.Key]time.Time
}

const alarmsRemembered = 1000

// due reports whether an alarm may be due, and remembers the call.
func (a *alarmMemory) due(key limit.Key, now time.Time, window time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if until, ok := a.until[key]; ok && now.Before(until) && until.Sub(now) <= window {
		return false
	}
	if a.until == nil || len(a.until) >= alarmsRemembered {
		a.until = map[limit.Key]time.Time{}
	}
	a.until[key] = now.Add(window)
	return true
}

// alarms reports limits whose alarm level is reached to the operator: once per window for
// as long as that lasts, with any number of servers.
func (s *Service) alarms(ctx context.Context, now time.Time, limits []limit.Limit, spent []limit.Spent) {
	for i, sp := range spent {
		if sp.Alarm && i < len(limits) {
			name := "limit"
			if len(limits[i].Rules) > 0 {
				name = limits[i].Rules[0].Name
			}
			s.raise(ctx, now, sp.Key, name, limits[i].Alarm.Per)
		}
	}
}

// alarmRefusal reports rules that refused paid messages to the operator.
func (s *Service) alarmRefusal(ctx context.Context, now time.Time, refused *limit.Error) {
	for _, r := range refused.Refused {
		s.log.logKind(ctx, "limit: "+r.Rule, "refused by a limit", "limit", r.Rule, "key", string(r.Key), "retry_after", refused.RetryAfter)
		s.observe(ctx, observe.Observation{Kind: observe.KindLimit, Outcome: r.Rule})
		s.raise(ctx, now, r.Key+"!", r.Rule, time.Hour)
	}
}

// raise records an alarm, unless a server recorded one with the same key within the window.
func (s *Service) raise(ctx context.Context, now time.Time, key limit.Key, name string, window time.Duration) {
	window = max(window, time.Second)
	if !s.alarmed.due(key, now, window) {
		return
	}
	once := limit.Limit{Key: s.meter.key("alarm", string(key)), Rules: []limit.Rule{{Name: "alarm", Rates: []limit.Rate{{Limit: 1, Per: window}}}}}
	asideCtx, cancel := s.aside(ctx)
	defer cancel()
	_, err := s.store.Spend(asideCtx, []limit.Limit{once}, now)
	if _, another := errors.AsType[*limit.Error](err); another {
		return
	}
	s.cfg.Logger.ErrorContext(ctx, "limit is filling up", "limit", name, "key", string(key))
	if err == nil {
		err = s.trail.record(ctx, s.store, audit.Event{At: now, Type: audit.LimitAlarm, Outcome: name})
	}
	if err != nil {
		s.cfg.Logger.ErrorContext(ctx, "alarm not recorded", "limit", name, "error", err)
	}
}

// locked reports whether a refusal locks a number for strangers on all networks.
func locked(refused *limit.Error) bool {
	return slices.ContainsFunc(refused.Refused, func(r limit.Refusal) bool {
		return r.Rule == "wrong codes per number" || r.Rule == "logins per number"
	})
}
