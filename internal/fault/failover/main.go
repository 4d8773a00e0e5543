// Command failover destroys database servers, with their disks, while a service resets
// passwords, and counts what went wrong:
//
//   - postgres: the primary of a synchronous pair is killed and its data are
//     removed; the standby is promoted, and a new standby is built;
//   - galera: one of three nodes is killed, stopped or loses its data, and comes
//     back.
//
// Two or three servers of the service are at work, each with its own pool. After each
// failover they must recover by themselves within 30 seconds, and
//
//   - the password of an acknowledged reset is stored;
//   - a used code stays used;
//   - a spent limit stays spent;
//   - the messages of acknowledged calls are delivered.
//
// It prints counts, and exits with 1 if any of it failed.
//
//	go run ./internal/fault/failover -engine postgres -failovers 50
//	go run ./internal/fault/failover -engine galera -failovers 50
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

func main() {
	engine := flag.String("engine", "postgres", "postgres or galera")
	failovers := flag.Int("failovers", 50, "how many database machines to lose")
	flag.Parse()
	// Ended early, it still removes its servers.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c, err := start(ctx, *engine)
	if err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
	counts, err := run(ctx, *engine, c, *failovers)
	fmt.Println(counts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}

// cluster is several database servers with one content.
type cluster interface {
	// open opens a pool for the i-th of our servers.
	open(ctx context.Context, i int) (*bunstore.Store, error)
	// lose destroys one database server. It returns when the others may serve.
	lose(ctx context.Context) error
	// replace starts another machine in its place, and returns when the next may be lost.
	replace(ctx context.Context) error
	remove()
}

func start(ctx context.Context, engine string) (cluster, error) {
	switch engine {
	case "postgres":
		return newPair(ctx, 0)
	case "galera":
		return newNodes(ctx)
	default:
		return nil, fmt.Errorf("engine %q is neither postgres nor galera", engine)
	}
}
