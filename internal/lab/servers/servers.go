// Package servers starts database servers in a temporary folder and on free ports, for
// tests and programs that break servers.
package servers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Server is one database server. Its data is in Dir/data.
type Server struct {
	Engine string // "postgres" or "mysql"
	Dir    string
	// DSN addresses the server's own database, in the form of the engine's driver.
	DSN  string
	Port int
	// Args are additional arguments of the server's program.
	Args []string
	// Log takes what the server prints; nil discards it.
	Log io.Writer

	account *syscall.Credential // servers refuse to run as root
	cmd     *exec.Cmd
}

// ErrNoProgram says that the server's program is not installed.
var ErrNoProgram = errors.New("no server program")

// program finds a server's program. Debian does not put PostgreSQL's programs on the
// PATH.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return "", fmt.Errorf("%w: to run it, install %s", ErrNoProgram, name)
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

// New makes a server with empty data. It does not start the server.
func New(ctx context.Context, engine string) (*Server, error) {
	n, err := Empty(engine)
	if err != nil {
		return nil, err
	}
	if err := n.create(ctx); err != nil {
		n.Remove()
		return nil, err
	}
	return n, nil
}

// Empty makes a folder and chooses a port for a server that gets its data from another
// server.
func Empty(engine string) (*Server, error) {
	dir, err := os.MkdirTemp("", "rekey-node-")
	if err != nil {
		return nil, err
	}
	n := &Server{Engine: engine, Dir: dir}
	port, err := FreePort()
	if err := errors.Join(err, n.chooseAccount()); err != nil {
		n.Remove()
		return nil, err
	}
	n.Listen(port)
	return n, nil
}

// Listen chooses the port for the next Start.
func (n *Server) Listen(port int) {
	n.Port = port
	n.DSN = fmt.Sprintf("postgres://rekey@127.0.0.1:%d/postgres?sslmode=disable", n.Port)
	if n.Engine == "mysql" {
		n.DSN = fmt.Sprintf("root@tcp(127.0.0.1:%d)/mysql", n.Port)
	}
}

// FreePort returns a port on which nothing listens. It is below the range that systems
// use for outgoing connections, which could take the port while the server is stopped.
func FreePort() (int, error) {
	for try := 0; ; try++ {
		port := 12_000 + rand.IntN(20_000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
		if try == 100 {
			return 0, err
		}
	}
}

// Data returns the folder of the server's data.
func (n *Server) Data() string { return filepath.Join(n.Dir, "data") }

func (n *Server) chooseAccount() error {
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup(n.Engine)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoProgram, err)
	}
	uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
	n.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return errors.Join(err1, err2, os.Chown(n.Dir, int(uid), int(gid)))
}

// Command prepares a program of the engine to run as the server's account.
func (n *Server) Command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path, err := program(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = n.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: n.account, Setpgid: true}
	return cmd, nil
}

func (n *Server) create(ctx context.Context) error {
	name, args := "initdb", []string{"-D", n.Data(), "-A", "trust", "-U", "rekey", "--no-sync"}
	if n.Engine == "mysql" {
		name, args = "mariadb-install-db", []string{"--no-defaults", "--datadir=" + n.Data(), "--auth-root-authentication-method=normal"}
	}
	cmd, err := n.Command(ctx, name, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// Start starts the server and returns when it answers.
func (n *Server) Start(ctx context.Context) (err error) {
	name, args := "postgres", []string{"-D", n.Data(), "-p", strconv.Itoa(n.Port), "-k", n.Dir, "-c", "listen_addresses=127.0.0.1"}
	if n.Engine == "mysql" {
		name, args = "mariadbd", []string{"--no-defaults", "--datadir=" + n.Data(), "--port=" + strconv.Itoa(n.Port), "--bind-address=127.0.0.1",
			"--socket=" + filepath.Join(n.Dir, "socket"), "--pid-file=" + filepath.Join(n.Dir, "pid"), "--skip-name-resolve"}
	}
	if n.cmd, err = n.Command(context.WithoutCancel(ctx), name, append(args, n.Args...)...); err != nil {
		return err
	}
	n.cmd.Stdout, n.cmd.Stderr = n.Log, n.Log
	if err := n.cmd.Start(); err != nil {
		return err
	}
	return n.Answers(ctx, 3*time.Minute)
}

// Answers returns when the server answers, or an error after the given time.
func (n *Server) Answers(ctx context.Context, within time.Duration) error {
	db, err := n.Open()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for deadline := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		if err = db.PingContext(ctx); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// Open opens a connection pool to the server.
func (n *Server) Open() (*sql.DB, error) {
	return sql.Open(map[string]string{"postgres": "pgx", "mysql": "mysql"}[n.Engine], n.DSN)
}

// Signal sends a signal to all processes of the server.
func (n *Server) Signal(s syscall.Signal) error { return syscall.Kill(-n.cmd.Process.Pid, s) }

// Crash kills all processes of the server.
func (n *Server) Crash() error {
	err := n.Signal(syscall.SIGKILL)
	_ = n.cmd.Wait() // says that it was killed
	return err
}

// Remove kills the server and removes its folder.
func (n *Server) Remove() {
	if n.cmd != nil && n.cmd.ProcessState == nil {
		_ = n.Crash()
	}
	_ = os.RemoveAll(n.Dir)
}
