package httpadapter_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name    string
		remote  string
		headers []string
		want    string // empty: the zero address
	}{
		{"direct", "203.0.113.9:1", nil, "203.0.113.9"},
		{"direct with a forged header", "203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		{"direct IPv6 with a zone", "[fe80::1%eth0]:1", nil, "fe80::1"},
		{"direct, IPv4 in IPv6", "[::ffff:203.0.113.9]:1", nil, "203.0.113.9"},
		{"Unix socket", "@", []string{"198.51.100.1"}, ""},
		{"none", "", nil, ""},

		{"one proxy", "10.1.1.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"proxy as IPv4 in IPv6", "[::ffff:10.1.1.1]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"proxy with a zone", "[fd00::1%x]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"proxy without the header", "10.1.1.1:1", nil, "10.1.1.1"},
		{"forged entries to the left", "10.1.1.1:1", []string{"1.1.1.1, 10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		{"forged header before the proxy's", "10.1.1.1:1", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		{"several proxies", "10.1.1.1:1", []string{"1.1.1.1,198.51.100.1 ,\t10.2.2.2", "fd00::2"}, "198.51.100.1"},
		{"all trusted", "10.1.1.1:1", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"trusted as IPv4 in IPv6", "10.1.1.1:1", []string{"198.51.100.1, ::ffff:10.2.2.2"}, "198.51.100.1"},
		{"IPv4 in IPv6", "10.1.1.1:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"port", "10.1.1.1:1", []string{"198.51.100.1:567"}, "198.51.100.1"},
		{"IPv6", "10.1.1.1:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", "10.1.1.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a port", "10.1.1.1:1", []string{"[2001:db8::1]:80"}, "2001:db8::1"},
		{"IPv6 with a zone", "10.1.1.1:1", []string{"fe80::1%25eth0"}, "fe80::1"},

		{"garbage", "10.1.1.1:1", []string{"198.51.100.1, unknown"}, "10.1.1.1"},
		{"garbage behind a proxy", "10.1.1.1:1", []string{"198.51.100.1, _hidden, 10.2.2.2"}, "10.2.2.2"},
		{"empty entry", "10.1.1.1:1", []string{"1.1.1.1, , 10.2.2.2"}, "10.2.2.2"},
		{"empty last entry", "10.1.1.1:1", []string{"1.1.1.1,"}, "10.1.1.1"},
		{"empty header after another", "10.1.1.1:1", []string{"1.1.1.1", ""}, "10.1.1.1"},
		{"empty header", "10.1.1.1:1", []string{""}, "10.1.1.1"},
		{"IPv4 in brackets", "10.1.1.1:1", []string{"[198.51.100.1]"}, "10.1.1.1"},
		{"port too large", "10.1.1.1:1", []string{"198.51.100.1:99999"}, "10.1.1.1"},
		{"leading zeros", "10.1.1.1:1", []string{"198.051.100.001"}, "10.1.1.1"},
		{"name", "10.1.1.1:1", []string{"localhost"}, "10.1.1.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{}
			h := handler(t, f, httpadapter.Options{TrustedProxies: proxies, AddressHeader: "x-forwarded-for"})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resetPath, strings.NewReader(resetBody))
			r.Header = headers()
			r.Header.Set("X-device-ip", "192.0.2.1")
			r.RemoteAddr = tt.remote
			for _, v := range tt.headers {
				r.Header.Add("X-Forwarded-For", v)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if len(f.resets) != 1 {
				t.Fatalf("%d calls", len(f.resets))
			}
			var want netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if got := f.resets[0].Address; got != want {
				t.Errorf("address is %v, want %v", got, want)
			}
			if got := f.resets[0].ClaimedAddress; got != "192.0.2.1" {
				t.Errorf("claimed address is %q", got)
			}
		})
	}
}

// TestAddressBehindUnixSocket: a proxy on a Unix socket has no address of its own.
func TestAddressBehindUnixSocket(t *testing.T) {
	t.Parallel()
	socket := func(network string) net.Addr { return &net.UnixAddr{Name: "/run/rekey.sock", Net: network} }
	tests := []struct {
		name    string
		remote  string
		local   net.Addr // nil: not told
		headers []string
		want    string
	}{
		{"unnamed peer", "@", socket("unix"), []string{"198.51.100.1"}, "198.51.100.1"},
		{"unnamed peer of some systems", "", socket("unix"), []string{"198.51.100.1"}, "198.51.100.1"},
		{"peer with a path", "/run/proxy.sock", socket("unix"), []string{"198.51.100.1"}, "198.51.100.1"},
		{"abstract peer", "@proxy", socket("unix"), []string{"198.51.100.1"}, "198.51.100.1"},
		{"sequenced packets", "/run/proxy.sock", socket("unixpacket"), []string{"198.51.100.1"}, "198.51.100.1"},
		{"local end not told", "@", nil, []string{"198.51.100.1"}, "198.51.100.1"},
		{"local end not told, no peer", "", nil, []string{"198.51.100.1"}, "198.51.100.1"},
		{"proxies behind it", "@", socket("unix"), []string{"1.1.1.1, 198.51.100.1, 10.2.2.2", "10.3.3.3"}, "198.51.100.1"},
		{"forged entries", "@", socket("unix"), []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		{"IPv6 with a port", "@", socket("unix"), []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"no header", "@", socket("unix"), nil, ""},
		{"empty header", "@", socket("unix"), []string{""}, ""},
		{"garbage", "@", socket("unix"), []string{"198.51.100.1, unix:"}, ""},
		{"garbage behind a proxy", "@", socket("unix"), []string{"1.1.1.1, _hidden, 10.2.2.2"}, "10.2.2.2"},

		{"over TCP from elsewhere", "203.0.113.9:1", &net.TCPAddr{}, []string{"198.51.100.1"}, "203.0.113.9"},
		{"over TCP from a trusted proxy", "10.1.1.1:1", &net.TCPAddr{}, []string{"198.51.100.1"}, "198.51.100.1"},
		{"over TCP with an odd peer", "elsewhere", &net.TCPAddr{}, []string{"198.51.100.1"}, ""},
		{"address set by a middleware", "203.0.113.9:1", socket("unix"), []string{"198.51.100.1"}, "203.0.113.9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source, err := httpadapter.NewCallerSource(httpadapter.CallerOptions{
				TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, TrustUnixSocket: true, AddressHeader: "X-Forwarded-For",
			})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPost, resetPath, nil)
			if tt.local != nil {
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tt.local))
			}
			r.RemoteAddr = tt.remote
			r.Header["X-Forwarded-For"] = tt.headers
			want, _ := netip.ParseAddr(tt.want)
			if got := source.Address(r); got != want {
				t.Errorf("address is %v, want %v", got, want)
			}
		})
	}
}

// TestRealUnixSocket serves on a Unix socket, to see which address Go reports.
func TestRealUnixSocket(t *testing.T) {
	t.Parallel()
	for name, trusted := range map[string]bool{"trusted": true, "not trusted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "rekey") // t.TempDir is too long for a socket's path on some systems
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			path := filepath.Join(dir, "s")
			listener, err := net.Listen("unix", path)
			if err != nil {
				t.Skip("run it on a system that has Unix sockets: ", err)
			}
			f := &fake{}
			opts := httpadapter.Options{TrustUnixSocket: true, AddressHeader: "X-Forwarded-For"}
			if !trusted {
				opts = httpadapter.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, AddressHeader: "X-Forwarded-For"}
			}
			s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler(t, f, opts)}}
			s.Start()
			t.Cleanup(s.Close)
			client := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			}}
			t.Cleanup(client.CloseIdleConnections)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+resetPath, strings.NewReader(resetBody))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = headers()
			r.Header.Set("X-Forwarded-For", "1.1.1.1, 198.51.100.1")
			resp, err := client.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			var want netip.Addr
			if trusted {
				want = netip.MustParseAddr("198.51.100.1")
			}
			if len(f.resets) != 1 || f.resets[0].Address != want {
				t.Errorf("asked %+v, want the address %v", f.resets, want)
			}
		})
	}
}

// TestAddressWithoutProxies: without options, no header sets the address.
func TestAddressWithoutProxies(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{}))
	accepted(t, post(t, s, resetPath, resetBody, set("X-Forwarded-For", "198.51.100.1"), set("X-Real-IP", "198.51.100.1"),
		set("Forwarded", "for=198.51.100.1"), set("X-device-ip", "no address at all")))
	if got := f.resets[0].Address; !got.IsLoopback() {
		t.Errorf("address is %v", got)
	}
}
