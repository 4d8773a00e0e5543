// Command network answers the question: what happens to resets when connections to the
// database break? While passwords are being reset it cuts and stalls connections in a
// proxy, or crashes and restarts its own database server. Afterwards the same process must
// serve, and nothing may be lost or half done: password, used code and audit trail agree,
// and all acknowledged resets are stored.
//
//	go run ./internal/fault/network -engine postgres -fault cuts -seconds 60
//	go run ./internal/fault/network -engine mysql -fault crashes -seconds 60
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/servers"
)

func main() {
	engine := flag.String("engine", "postgres", "database: postgres or mysql")
	fault := flag.String("fault", "cuts", "cuts: a proxy cuts and stalls connections; crashes: a separate server is killed and started again")
	seconds := flag.Int("seconds", 60, "how long")
	flag.Parse()
	ctx := context.Background()
	do := cuts
	if *fault == "crashes" {
		do = crashes
	}
	counts, err := do(ctx, *engine, time.Duration(*seconds)*time.Second)
	fmt.Println(counts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "network:", err)
		os.Exit(1)
	}
}

type counts struct {
	what                    string
	faults                  int
	sends, resets, failed   int
	unanswered, done        int
	lost, half, unrecovered int
}

func (c counts) String() string {
	return fmt.Sprintf("%s: %d faults, %d sends, %d resets acknowledged, %d calls failed, %d resets unanswered of which %d were done; lost %d, half done %d, not recovered %d",
		c.what, c.faults, c.sends, c.resets, c.failed, c.unanswered, c.done, c.lost, c.half, c.unrecovered)
}

func (c counts) err() error {
	if c.lost+c.half+c.unrecovered > 0 {
		return errors.New("at least one step was lost, half done or not recovered")
	}
	return nil
}

// cuts works through a proxy that cuts all connections at the same time, or stalls them.
func cuts(ctx context.Context, engine string, d time.Duration) (c counts, err error) {
	database, err := databases.Fresh(ctx, engine, "")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, database.Drop()) }()
	p, err := newProxy(database)
	if err != nil {
		return c, err
	}
	defer p.close()
	through, err := database.Via(p.addr())
	if err != nil {
		return c, err
	}
	c.what = engine + ", connections cut and stalled"
	return run(ctx, c, d, database, through, func() error {
		time.Sleep(20*time.Millisecond + rand.N(200*time.Millisecond))
		switch rand.IntN(4) {
		case 0:
			p.stall(rand.N(300 * time.Millisecond))
		case 1: // and refuses new connections for a while
			p.refuse(rand.N(500 * time.Millisecond))
		default:
			p.cut()
		}
		return nil
	})
}

// crashes works on a server of its own, which is killed like a machine that
// loses its power, or stopped in an orderly way.
func crashes(ctx context.Context, engine string, d time.Duration) (c counts, err error) {
	n, err := servers.New(ctx, engine)
	if err != nil {
		return c, err
	}
	defer n.Remove()
	if err := n.Start(ctx); err != nil {
		return c, err
	}
	database, err := databases.On(ctx, engine, n.DSN)
	if err != nil {
		return c, err
	}
	c.what = engine + ", server crashed and started again"
	return run(ctx, c, d, database, database, func() error {
		time.Sleep(500*time.Millisecond + rand.N(time.Second))
		if err := n.Crash(); err != nil {
			return err
		}
		time.Sleep(rand.N(300 * time.Millisecond))
		return n.Start(ctx)
	})
}
