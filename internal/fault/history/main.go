// Command history answers the question: are the steps of a reset linearizable? Many
// goroutines send, guess, give attempts back and redeem codes of one number at the same
// time, over two stores with separate pools, as two servers have. Then a checker searches
// for an order of these calls, compatible with when each began and ended, in which a
// simple sequential model gives the same answers. There is no such order if a code had two
// winners, an attempt was not counted, or a limit was exceeded.
//
//	go run ./internal/fault/history -engine postgres -histories 200
//
// With "galera", three stores work on three nodes of a MariaDB Galera cluster, which the
// program starts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/servers"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func main() {
	engine := flag.String("engine", "sqlite", "memory, galera or database: "+strings.Join(databases.Engines, ", "))
	histories := flag.Int("histories", 200, "how many histories are recorded and checked")
	flag.Parse()
	counts, err := run(context.Background(), *engine, *histories)
	fmt.Println(counts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1)
	}
}

type counts struct {
	engine                           string
	histories, calls, illegal, undue int
	redeemed, spent, limited         int
	stalled                          int // histories given up because the cluster stood still
}

func (c counts) String() string {
	return fmt.Sprintf("%s: %d histories of %d calls, %d codes redeemed, %d redemptions refused, %d guesses over the limit; %d not linearizable, %d not decided in time, %d given up while the cluster stood still",
		c.engine, c.histories, c.calls, c.redeemed, c.spent, c.limited, c.illegal, c.undue, c.stalled)
}

// run records histories on a fresh database each, and checks them.
func run(ctx context.Context, engine string, histories int) (c counts, err error) {
	c.engine = engine
	var g *servers.Galera
	if engine == "galera" {
		if g, err = servers.NewGalera(ctx, 3); err != nil {
			return c, err
		}
		defer g.Remove()
	}
	for c.histories < histories {
		err := one(ctx, engine, g, &c)
		// Nodes of a cluster that run on one machine sometimes stand still for some seconds.
		// It is then unknown which calls took effect, so the history says nothing.
		if g != nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && c.stalled < 1+histories/5 {
			c.stalled++
			continue
		}
		if err != nil {
			return c, err
		}
	}
	if c.illegal+c.undue > 0 {
		return c, errors.New("histories that are not linearizable, or were not decided")
	}
	return c, nil
}

func one(ctx context.Context, engine string, g *servers.Galera, c *counts) (err error) {
	stores, closeAll, err := open(ctx, engine, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	calls, err := record(ctx, stores)
	if err != nil {
		return err
	}
	c.add(calls)
	return nil
}

func (c *counts) add(calls []porcupine.Operation) {
	c.histories++
	c.calls += len(calls)
	for _, o := range calls {
		in, out := o.Input.(input), o.Output.(output)
		switch {
		case in.kind == redeem && out.refused:
			c.spent++
		case in.kind == redeem:
			c.redeemed++
		case in.kind == charge && out.refused:
			c.limited++
		}
	}
	switch porcupine.CheckOperationsTimeout(model, calls, 20*time.Second) {
	case porcupine.Illegal:
		c.illegal++
	case porcupine.Unknown:
		c.undue++
	}
}

// open returns two stores on one fresh database, or one for each node of a cluster.
func open(ctx context.Context, engine string, g *servers.Galera) (stores []identity.Storage, closeAll func() error, err error) {
	if engine == "memory" {
		s := memory.New()
		return []identity.Storage{s, s}, func() error { return nil }, nil
	}
	if g != nil {
		return openNodes(ctx, g)
	}
	dir, err := os.MkdirTemp("", "rekey-history-")
	if err != nil {
		return nil, nil, err
	}
	database, err := databases.Fresh(ctx, engine, dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	closeAll = func() error { return errors.Join(database.Drop(), os.RemoveAll(dir)) }
	for range 2 {
		s, err := database.Open(ctx, 8)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		stores = append(stores, s)
		before := closeAll
		closeAll = func() error { return errors.Join(s.DB().Close(), before()) }
	}
	return stores, closeAll, nil
}

func openNodes(ctx context.Context, g *servers.Galera) (stores []identity.Storage, closeAll func() error, err error) {
	database, err := databases.On(ctx, "mysql", g.Nodes[0].DSN)
	if err != nil {
		return nil, nil, err
	}
	closeAll = database.Drop
	for i := range g.Nodes {
		node, err := database.Via(g.Hosts(i))
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		s, err := node.Open(ctx, 8)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		stores = append(stores, s)
		before := closeAll
		closeAll = func() error { return errors.Join(s.DB().Close(), before()) }
	}
	return stores, closeAll, nil
}
