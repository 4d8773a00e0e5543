// Command replica answers the question: what does a lost machine cost, if Litestream
// copies the SQLite database of the single binary to another place? Under load, it
// kills both with SIGKILL, removes the folder of the database, restores it from the
// replica, and checks:
//
//   - a reset acknowledged longer ago than the replication interval and -within is the
//     stored one;
//   - a code used by such a reset is refused ever after;
//   - a user has one of the passwords that were set, never half of something;
//   - the restored database passes SQLite's integrity check, serves, and is replicated
//     on from where it is.
//
// Before the kill of every second and third round, the server or Litestream is started
// again, so that the write-ahead log changes behind Litestream. The settings of
// Litestream are those that the packages have.
//
//	go run ./internal/fault/replica -litestream /usr/bin/litestream -rounds 20
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interval is the replication interval that Litestream's settings promise.
const interval = time.Second

func main() {
	litestream := flag.String("litestream", "", "path of the program; default: the value of REKEY_TEST_LITESTREAM, or else the program in PATH")
	rounds := flag.Int("rounds", 20, "how often the machine is lost")
	settings := flag.String("config", "", "settings of Litestream; default: those of the packages")
	within := flag.Duration("within", 4*time.Second, "how much longer than the interval one upload may take on this machine")
	flag.Parse()
	// Even if it is interrupted, the program ends what it started and removes its folder.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	counts, err := run(ctx, *litestream, *settings, *rounds, *within, os.Stdout)
	stop()
	fmt.Println(counts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
}

// counts holds the results of a run.
type counts struct {
	rounds, resets, replays  int
	recent                   int           // lost resets that were acknowledged within the interval
	oldest                   time.Duration // how long before the kill the oldest lost reset was acknowledged
	biggestLog               int64         // bytes of the write-ahead log
	lost, half, revived, bad int           // these must be zero
}

func (c counts) String() string {
	return fmt.Sprintf("%d machines lost, %d resets acknowledged, %d used codes tried again; of the last moments %d resets lost, the oldest acknowledged %s before the kill; "+
		"write-ahead log at most %d KiB; lost beyond the interval %d, half done %d, revived %d, databases damaged %d",
		c.rounds, c.resets, c.replays, c.recent, c.oldest.Round(time.Millisecond), c.biggestLog>>10, c.lost, c.half, c.revived, c.bad)
}

func (c counts) faults() int { return c.lost + c.half + c.revived + c.bad }

// errNoLitestream says that Litestream is not installed.
var errNoLitestream = errors.New("no Litestream")

// run loses the machine that many times.
func run(ctx context.Context, litestream, settings string, rounds int, within time.Duration, progress io.Writer) (_ counts, err error) {
	dir, err := os.MkdirTemp("", "rekey-replica-")
	if err != nil {
		return counts{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m, err := newMachine(ctx, dir, litestream, settings)
	if err != nil {
		return counts{}, err
	}
	defer m.stop()
	w := &world{machine: m, within: interval + within}
	if err := w.populate(ctx); err != nil {
		return w.counts, err
	}
	for w.counts.rounds < rounds {
		if err := w.round(ctx); err != nil {
			return w.counts, fmt.Errorf("round %d: %w", w.counts.rounds+1, err)
		}
		w.counts.rounds++
		_, _ = fmt.Fprintln(progress, w.counts)
	}
	if w.counts.faults() > 0 {
		return w.counts, errors.New("at least one step older than the interval was lost, half done, revived or damaged")
	}
	return w.counts, nil
}
