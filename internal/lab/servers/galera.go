package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Galera is a cluster of MariaDB nodes on this machine.
type Galera struct {
	Nodes []*Server
	group []int // ports for the communication of the group
}

// provider is the path of Galera's library on Debian and other distributions.
func provider() (string, error) {
	for _, pattern := range []string{"/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera*/libgalera_smm.so", "/usr/lib/libgalera_smm.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("%w: to run it, install galera-4", ErrNoProgram)
}

// NewGalera starts a cluster of that many nodes.
func NewGalera(ctx context.Context, nodes int) (_ *Galera, err error) {
	library, err := provider()
	if err != nil {
		return nil, err
	}
	if _, err := program("rsync"); err != nil {
		return nil, err
	}
	g := &Galera{}
	defer func() {
		if err != nil {
			g.Remove()
		}
	}()
	var addresses []string
	for range nodes {
		n, err := New(ctx, "mysql")
		if err != nil {
			return nil, err
		}
		g.Nodes = append(g.Nodes, n)
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		g.group = append(g.group, port)
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", port))
	}
	for i, n := range g.Nodes {
		state, err1 := FreePort()
		increments, err2 := FreePort()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		n.Args = []string{"--wsrep_on=ON", "--wsrep_provider=" + library, "--wsrep_cluster_name=rekey", fmt.Sprintf("--wsrep_node_name=node%d", i),
			"--wsrep_cluster_address=gcomm://" + strings.Join(addresses, ","), "--wsrep_node_address=" + addresses[i],
			"--wsrep_sst_method=rsync", fmt.Sprintf("--wsrep_sst_receive_address=127.0.0.1:%d", state),
			fmt.Sprintf("--wsrep_provider_options=gmcast.listen_addr=tcp://%s;ist.recv_addr=127.0.0.1:%d;gcache.size=32M", addresses[i], increments),
			"--binlog_format=ROW", "--innodb_autoinc_lock_mode=2", "--innodb_buffer_pool_size=32M", "--max_connections=100", "--skip-log-bin"}
	}
	first := g.Nodes[0]
	args := first.Args
	first.Args = append(args[:len(args):len(args)], "--wsrep-new-cluster")
	err = first.Start(ctx)
	first.Args = args
	if err == nil {
		err = g.Synced(ctx, first)
	}
	for _, n := range g.Nodes[1:] {
		if err == nil {
			err = g.Join(ctx, n)
		}
	}
	return g, err
}

// Join starts a node and returns when the node has all data.
func (g *Galera) Join(ctx context.Context, n *Server) error {
	if err := n.Start(ctx); err != nil {
		return err
	}
	return g.Synced(ctx, n)
}

// Synced waits until the node has all data and serves.
func (g *Galera) Synced(ctx context.Context, n *Server) error {
	return g.until(ctx, n, "wsrep_local_state_comment", "Synced")
}

// Counts waits until the node counts that many nodes in the cluster.
func (g *Galera) Counts(ctx context.Context, n *Server, nodes int) error {
	return g.until(ctx, n, "wsrep_cluster_size", strconv.Itoa(nodes))
}

func (g *Galera) until(ctx context.Context, n *Server, status, want string) error {
	db, err := n.Open()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var name, value string
		err := db.QueryRowContext(ctx, "SHOW STATUS LIKE '"+status+"'").Scan(&name, &value)
		if err == nil && value == want {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%s of a node is %q after three minutes", status, value), err)
		}
	}
}

// Wipe removes the data of a stopped node, which comes back empty.
func (g *Galera) Wipe(ctx context.Context, n *Server) error {
	if err := os.RemoveAll(n.Data()); err != nil {
		return err
	}
	return n.create(ctx)
}

// Hosts returns the addresses of all nodes, beginning with the i-th, for an address
// that names several nodes.
func (g *Galera) Hosts(i int) string {
	var hosts []string
	for k := range g.Nodes {
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", g.Nodes[(i+k)%len(g.Nodes)].Port))
	}
	return strings.Join(hosts, ",")
}

// Remove kills all nodes and removes their folders.
func (g *Galera) Remove() {
	for _, n := range g.Nodes {
		if n.cmd != nil && n.cmd.ProcessState == nil {
			_ = n.Signal(syscall.SIGCONT)
		}
		n.Remove()
	}
}
