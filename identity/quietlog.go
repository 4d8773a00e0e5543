package identity

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// quietLog logs each kind of line at most once a minute, with the number of lines left out
// since the last one. So a lasting fault is visible but does not flood the log.
type quietLog struct {
	logger *slog.Logger
	now    func() time.Time
	mu     sync.Mutex
	last   map[string]*quietKind
}

type quietKind struct {
	at   time.Time // of the last line
	left int       // out since then
}

const quietFor = time.Minute

func newQuietLog(l *slog.Logger, now func() time.Time) *quietLog {
	return &quietLog{logger: l, now: now, last: map[string]*quietKind{}}
}

// once logs a warning unless the same message was logged within a minute. The message is
// the kind, so there must be few different messages.
func (q *quietLog) once(ctx context.Context, message string, args ...any) {
	q.logKind(ctx, message, message, args...)
}

// logKind is once for kinds that share a message, such as each rule of the limits.
func (q *quietLog) logKind(ctx context.Context, kind, message string, args ...any) {
	now := q.now()
	q.mu.Lock()
	k := q.last[kind]
	if k == nil {
		k = &quietKind{}
		q.last[kind] = k
	}
	// If the clock is set back, the log must not be silent until the clock has caught up.
	if since := now.Sub(k.at); !k.at.IsZero() && since >= 0 && since < quietFor {
		k.left++
		q.mu.Unlock()
		return
	}
	left := k.left
	k.at, k.left = now, 0
	q.mu.Unlock()
	if left > 0 {
		args = append(args, "left_out", left)
	}
	q.logger.WarnContext(ctx, message, args...)
}
