// Command kill answers the question: is anything lost, half done or done twice
// when the server is killed? It ends the single binary with SIGKILL at random
// moments under load, starts it again, and checks:
//
//   - the password of an acknowledged reset is stored;
//   - a reset whose answer was lost is done completely or not at all: password, audit
//     event and notice agree;
//   - a used code is always refused;
//   - each message on a phone belongs to something that was committed;
//   - the database opens, and the server answers.
//
// It prints counts, and exits with 1 if any of it failed.
//
//	go run ./internal/fault/kill -engine sqlite -kills 1000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/binary"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
)

func main() {
	engine := flag.String("engine", "sqlite", "database: "+strings.Join(databases.Engines, ", "))
	kills := flag.Int("kills", 1000, "how often the server is killed")
	flag.Parse()
	counts, err := run(context.Background(), *engine, *kills, os.Stdout)
	fmt.Println(counts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kill:", err)
		os.Exit(1)
	}
}

// counts holds the results of a run.
type counts struct {
	engine                       string
	kills, sends, resets         int
	unanswered, unansweredDone   int // resets whose answer was lost, and of those the ones done
	replays, arrived, repeats    int // used codes tried again; messages on phones, and how many came again
	lost, half, revived, unknown int // what must be none
	stalledSends                 int // whose code did not come before the kill
	slowestStart                 time.Duration
}

func (c counts) String() string {
	return fmt.Sprintf("%s: %d kills, %d sends, %d resets acknowledged, %d unanswered of which %d were done, %d used codes tried again, "+
		"%d messages arrived and %d of them again, slowest start %s; lost %d, half done %d, revived %d, of nothing committed %d",
		c.engine, c.kills, c.sends, c.resets, c.unanswered, c.unansweredDone, c.replays, c.arrived, c.repeats, c.slowestStart.Round(time.Millisecond),
		c.lost, c.half, c.revived, c.unknown)
}

func (c counts) faults() int { return c.lost + c.half + c.revived + c.unknown }

// run kills the server so many times.
func run(ctx context.Context, engine string, kills int, progress io.Writer) (_ counts, err error) {
	dir, err := os.MkdirTemp("", "rekey-kill-")
	if err != nil {
		return counts{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database, err := databases.Fresh(ctx, engine, dir)
	if err != nil {
		return counts{}, err
	}
	defer func() { err = errors.Join(err, database.Drop()) }()
	phone, err := newPhone()
	if err != nil {
		return counts{}, err
	}
	defer phone.close()
	program, err := binary.Build(ctx, dir)
	if err != nil {
		return counts{}, err
	}
	s := &server{program: program, address: database.Address, webhook: phone.url}
	w := &world{counts: counts{engine: engine}, phone: phone, server: s, database: database}
	if err := w.populate(ctx); err != nil {
		return w.counts, err
	}
	report := time.Now()
	for w.counts.kills < kills {
		if err := w.round(ctx); err != nil {
			return w.counts, fmt.Errorf("round %d: %w", w.counts.kills+1, err)
		}
		w.counts.kills++
		if time.Since(report) > 15*time.Second {
			_, _ = fmt.Fprintln(progress, w.counts)
			report = time.Now()
		}
	}
	if err := w.end(ctx); err != nil {
		return w.counts, err
	}
	if w.counts.faults() > 0 {
		return w.counts, errors.New("at least one step was lost, half done, revived or never committed")
	}
	return w.counts, nil
}
