package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"database/sql"
)

// node is a database server of its own, in a temporary folder and on a port that
// nobody else uses.
type node struct {
	engine, dir, dsn string
	port             int
	account          *syscall.Credential // servers refuse to run as root
	cmd              *exec.Cmd
}

var errNoProgram = errors.New("no server program")

// program finds a server's program; Debian keeps PostgreSQL's off the PATH.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return "", fmt.Errorf("%w: to run it, install %s", errNoProgram, name)
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

func newNode(ctx context.Context, engine string) (*node, error) {
	dir, err := os.MkdirTemp("", "rekey-node-")
	if err != nil {
		return nil, err
	}
	n := &node{engine: engine, dir: dir}
	if err := errors.Join(n.choosePort(), n.chooseAccount(), n.create(ctx)); err != nil {
		n.remove()
		return nil, err
	}
	return n, nil
}

func (n *node) choosePort() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	n.port = listener.Addr().(*net.TCPAddr).Port
	return listener.Close()
}

func (n *node) chooseAccount() error {
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup(n.engine)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoProgram, err)
	}
	uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
	n.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return errors.Join(err1, err2, os.Chown(n.dir, int(uid), int(gid)))
}

func (n *node) command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path, err := program(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = n.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: n.account, Setpgid: true}
	return cmd, nil
}

func (n *node) create(ctx context.Context) error {
	data := filepath.Join(n.dir, "data")
	name, args := "initdb", []string{"-D", data, "-A", "trust", "-U", "rekey", "--no-sync"}
	n.dsn = fmt.Sprintf("postgres://rekey@127.0.0.1:%d/postgres?sslmode=disable", n.port)
	if n.engine == "mysql" {
		name, args = "mariadb-install-db", []string{"--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal"}
		n.dsn = fmt.Sprintf("root@tcp(127.0.0.1:%d)/mysql", n.port)
	}
	cmd, err := n.command(ctx, name, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// start returns once the server answers.
func (n *node) start(ctx context.Context) (err error) {
	data := filepath.Join(n.dir, "data")
	name, args := "postgres", []string{"-D", data, "-p", strconv.Itoa(n.port), "-k", n.dir, "-c", "listen_addresses=127.0.0.1"}
	if n.engine == "mysql" {
		name, args = "mariadbd", []string{"--no-defaults", "--datadir=" + data, "--port=" + strconv.Itoa(n.port), "--bind-address=127.0.0.1",
			"--socket=" + filepath.Join(n.dir, "socket"), "--pid-file=" + filepath.Join(n.dir, "pid"), "--skip-name-resolve"}
	}
	if n.cmd, err = n.command(context.WithoutCancel(ctx), name, args...); err != nil {
		return err
	}
	if err := n.cmd.Start(); err != nil {
		return err
	}
	driver := map[string]string{"postgres": "pgx", "mysql": "mysql"}[n.engine]
	db, err := sql.Open(driver, n.dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if err = db.PingContext(ctx); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// crash kills the server with all of its processes.
func (n *node) crash() error {
	err := syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL)
	_ = n.cmd.Wait() // says that it was killed
	return err
}

func (n *node) remove() {
	if n.cmd != nil && n.cmd.ProcessState == nil {
		_ = n.crash()
	}
	_ = os.RemoveAll(n.dir)
}
