package main_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The health check of a container asks the server that has the same settings.
func TestHealth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate(t, dir)
	plain := start(t, dir, nil, "-sms", "console")
	secure := start(t, dir, nil, "-sms", "console", "-tls-cert", "cert.pem", "-tls-key", "key.pem")
	start(t, dir, nil, "-sms", "console", "-addr", "unix:health.sock")
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(ill.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	_, port, err := net.SplitHostPort(plain.addr)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env, args []string
		code      int
		says      string
	}{
		"plain":         {nil, []string{"-addr", plain.addr}, 0, "ready"},
		"environment":   {[]string{"REKEY_ADDR=" + plain.addr}, nil, 0, "ready"},
		"all addresses": {nil, []string{"-addr", "0.0.0.0:" + port}, 0, "ready"},
		"TLS":           {nil, []string{"-addr", secure.addr, "-tls-cert", "cert.pem", "-tls-key", "key.pem"}, 0, "ready"},
		"Unix socket":   {nil, []string{"-addr", "unix:health.sock"}, 0, "ready"},
		"not ready":     {nil, []string{"-addr", ill.Listener.Addr().String()}, 1, "is not ready: 503"},
		"nothing there": {nil, []string{"-addr", gone.Listener.Addr().String()}, 1, "no server answers at 127.0.0.1:"},
		"any port":      {nil, []string{"-addr", "127.0.0.1:0"}, 2, "with its port"},
	} {
		r := runEnv(t, dir, test.env, "", append([]string{"health"}, test.args...)...)
		if r.code != test.code || !strings.Contains(r.out+r.err, test.says) {
			t.Errorf("%s: exit status %d, %q %q; want %d and %q", name, r.code, r.out, r.err, test.code, test.says)
		}
	}
}
