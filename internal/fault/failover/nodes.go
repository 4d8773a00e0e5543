package main

import (
	"context"
	"errors"
	"syscall"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/servers"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// nodes are three nodes of a Galera cluster. Each server of the service starts with
// another node.
type nodes struct {
	galera   *servers.Galera
	database *databases.Database
	lost     int
}

func newNodes(ctx context.Context) (*nodes, error) {
	g, err := servers.NewGalera(ctx, ours)
	if err != nil {
		return nil, err
	}
	d, err := databases.On(ctx, "mysql", g.Nodes[0].DSN)
	if err != nil {
		g.Remove()
		return nil, err
	}
	return &nodes{galera: g, database: d, lost: -1}, nil
}

func (n *nodes) open(ctx context.Context, i int) (*bunstore.Store, error) {
	d, err := n.database.Via(n.galera.Hosts(i))
	if err != nil {
		return nil, err
	}
	return d.Open(ctx, 8)
}

// lose kills a node, or cuts it off by stopping it, or kills it and removes its
// data, one after the other.
func (n *nodes) lose(ctx context.Context) error {
	n.lost++
	node := n.node()
	switch n.lost % 4 {
	case 1, 3:
		if err := node.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		return n.galera.Counts(ctx, n.other(), ours-1)
	case 2:
		if err := node.Crash(); err != nil {
			return err
		}
		return n.galera.Wipe(ctx, node)
	}
	return node.Crash()
}

func (n *nodes) node() *servers.Server { return n.galera.Nodes[n.lost%ours] }

// other is a node that was not lost.
func (n *nodes) other() *servers.Server { return n.galera.Nodes[(n.lost+1)%ours] }

// replace waits until the other nodes agree on the cluster, because a node that was cut
// off believes that it belongs to the cluster until it hears from them.
func (n *nodes) replace(ctx context.Context) error {
	if n.lost%2 == 1 {
		if err := n.node().Signal(syscall.SIGCONT); err != nil {
			return err
		}
	} else if err := n.galera.Join(ctx, n.node()); err != nil {
		return err
	}
	return errors.Join(n.galera.Counts(ctx, n.other(), ours), n.galera.Synced(ctx, n.node()))
}

func (n *nodes) remove() { n.galera.Remove() }
