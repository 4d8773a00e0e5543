package main

import (
	"io"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
)

// proxy passes connections on to a server, and breaks them.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	open    map[net.Conn]bool
	refused bool
	gate    sync.RWMutex // held for writing while everything stalls
}

func newProxy(d *databases.Database) (*proxy, error) {
	u, err := url.Parse(d.Address)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: u.Host, open: map[net.Conn]bool{}}
	go p.serve()
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) close() { _ = p.listener.Close(); p.cut() }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.pass(client)
	}
}

func (p *proxy) pass(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil || !p.keep(client, server) {
		_ = client.Close()
		if server != nil {
			_ = server.Close()
		}
		return
	}
	go p.copy(server, client)
	p.copy(client, server)
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.open[c] = true
	}
	return !p.refused
}

// copy moves bytes until either end is closed, and then closes both.
func (p *proxy) copy(to, from net.Conn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		p.gate.RLock()
		_, writeErr := to.Write(buffer[:n])
		p.gate.RUnlock()
		if err != nil || writeErr != nil {
			break
		}
	}
	p.mu.Lock()
	delete(p.open, to)
	delete(p.open, from)
	p.mu.Unlock()
	for _, c := range []io.Closer{to, from} {
		_ = c.Close()
	}
}

// cut resets every connection: bytes on their way are lost.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// refuse cuts all connections, and refuses new ones for a while.
func (p *proxy) refuse(d time.Duration) {
	p.mu.Lock()
	p.refused = true
	p.mu.Unlock()
	p.cut()
	time.Sleep(d)
	p.mu.Lock()
	p.refused = false
	p.mu.Unlock()
}

// stall holds every byte back for a while.
func (p *proxy) stall(d time.Duration) {
	p.gate.Lock()
	time.Sleep(d)
	p.gate.Unlock()
}
