package httpadapter_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
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

// TestAddressWithoutProxies: without options no header is an address.
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
