package server

import (
	"container/list"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// connections bounds the connections of a listener and of each address. At a bound it
// closes the connection that has waited longest for a request. Without this, one client
// with as many idle connections as the bound would keep all other clients out.
type connections struct {
	most, perAddress int
	grace            time.Duration
	exempt           func(netip.Addr) bool // reports addresses that perAddress does not bound: trusted proxies
	logger           *slog.Logger

	mu     sync.Mutex
	all    map[net.Conn]*connection
	of     map[netip.Prefix]int
	idle   *list.List // of *connection; the first has waited longest
	logged map[string]time.Time
}

type connection struct {
	net.Conn
	owner   *connections
	key     netip.Prefix  // invalid if exempt
	waiting *list.Element // nil while a request is being handled
	began   time.Time     // when a connection without a request was made; zero otherwise
}

// grace is how long a new connection may take to send something before it counts as
// idle, because its request may still be on the way.
const grace = time.Second

func newConnections(most, perAddress int, exempt func(netip.Addr) bool, logger *slog.Logger) *connections {
	return &connections{most: most, perAddress: perAddress, grace: grace, exempt: exempt, logger: logger,
		all: map[net.Conn]*connection{}, of: map[netip.Prefix]int{}, idle: list.New(), logged: map[string]time.Time{}}
}

// listen bounds a listener. It accepts one connection more than the bound, which closes
// an idle connection.
func (c *connections) listen(l net.Listener) net.Listener {
	return &boundListener{netutil.LimitListener(l, c.most+1), c}
}

type boundListener struct {
	net.Listener
	connections *connections
}

func (l *boundListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.connections.admit(conn); admitted != nil {
			return admitted, nil
		}
		_ = conn.Close()
	}
}

// admit returns nil if the connection exceeds the bound of its address.
func (c *connections) admit(inner net.Conn) *connection {
	conn := &connection{Conn: inner, owner: c}
	if addr, ok := remote(inner); ok && !c.exempt(addr) {
		conn.key = network(addr)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.key.IsValid() && c.of[conn.key] >= c.perAddress {
		c.log("one address has reached its limit of connections: its idle ones are closed, further ones are refused", "address", conn.key.String(), "connections", c.perAddress)
		if !c.evict(conn.key) {
			return nil
		}
	}
	if len(c.all) >= c.most {
		c.log("all connections are in use: idle ones are closed, further ones wait", "connections", c.most)
		if !c.evict(netip.Prefix{}) {
			time.AfterFunc(c.grace, c.shrink)
		}
	}
	conn.began = time.Now()
	c.all[inner] = conn
	if conn.key.IsValid() {
		c.of[conn.key]++
	}
	conn.waiting = c.idle.PushBack(conn)
	return conn
}

// shrink closes idle connections until the bound is kept.
func (c *connections) shrink() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.all) > c.most && c.evict(netip.Prefix{}) {
	}
}

// evict closes the connection that has waited longest, of one network or of all.
func (c *connections) evict(of netip.Prefix) bool {
	fresh := time.Now().Add(-c.grace)
	for e := c.idle.Front(); e != nil; e = e.Next() {
		if conn := e.Value.(*connection); conn.began.Before(fresh) && (!of.IsValid() || conn.key == of) {
			c.forget(conn)
			_ = conn.Conn.Close() // without the closing message of TLS, which takes time
			return true
		}
	}
	return false
}

// forget frees the place of a connection.
func (c *connections) forget(conn *connection) {
	if c.all[conn.Conn] != conn {
		return
	}
	delete(c.all, conn.Conn)
	if conn.waiting != nil {
		c.idle.Remove(conn.waiting)
		conn.waiting = nil
	}
	if conn.key.IsValid() {
		if c.of[conn.key]--; c.of[conn.key] == 0 {
			delete(c.of, conn.key)
		}
	}
}

// Close closes the connection and frees its place.
func (c *connection) Close() error {
	c.owner.mu.Lock()
	c.owner.forget(c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// state implements the ConnState of [http.Server].
func (c *connections) state(of net.Conn, state http.ConnState) {
	if t, ok := of.(*tls.Conn); ok {
		of = t.NetConn()
	}
	conn, ok := of.(*connection)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all[conn.Conn] != conn { // evicted
		return
	}
	switch state {
	case http.StateActive:
		conn.began = time.Time{}
		if conn.waiting != nil {
			c.idle.Remove(conn.waiting)
			conn.waiting = nil
		}
	case http.StateIdle:
		if conn.waiting == nil {
			conn.waiting = c.idle.PushBack(conn)
		}
		if len(c.all) > c.most {
			c.evict(netip.Prefix{})
		}
	}
}

// log logs a message at most once a minute.
func (c *connections) log(text string, args ...any) {
	if now := time.Now(); now.Sub(c.logged[text]) >= time.Minute {
		c.logged[text] = now
		c.logger.Warn(text, args...)
	}
}

func remote(conn net.Conn) (netip.Addr, bool) {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	return addr, addr.IsValid()
}

// network returns the network that counts as one address: an IPv6 customer has at least
// a /64.
func network(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}
