package httpadapter_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter"
)

func TestContentEncoding(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{}))
	codings := func(values ...string) func(http.Header) {
		return func(h http.Header) { h["Content-Encoding"] = values }
	}
	for _, good := range [][]string{nil, {""}, {"identity"}, {"Identity"}, {" IDENTITY\t"}, {"identity, identity"}, {"identity", "identity"}, {",identity ,"}} {
		accepted(t, post(t, s, resetPath, resetBody, codings(good...)))
	}
	before := f.calls()
	for _, bad := range [][]string{
		{"gzip"}, {"GZIP"}, {"x-gzip"}, {"deflate"}, {"br"}, {"zstd"}, {"compress"}, {"aes128gcm"}, {"*"}, {"unknown"}, {"identity;q=1"}, {"identity2"},
		{"gzip, identity"}, {"identity, gzip"}, {"identity,gzip,identity"}, {"identity", "gzip"}, {"gzip", "identity"}, {`"identity"`}, {"gzip, gzip"}, {"\u0131dentity"},
	} {
		refusedWith(t, post(t, s, resetPath, resetBody, codings(bad...)), 415, "SDK.COMMON.1002", "The Content-Encoding parameter format is incorrect.")
		refusedWith(t, post(t, s, sendPath, "\x1f\x8b\x08", codings(bad...)), 415, "SDK.COMMON.1002", "The Content-Encoding parameter format is incorrect.")
	}
	if f.calls() != before {
		t.Error("the service was called")
	}
}

func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{}))
	accepted(t, post(t, s, resetPath, "\ufeff"+resetBody))
	accepted(t, post(t, s, sendPath, "\ufeff \r\n"+sendBody))
	if f.resets[0].Mobile != "12345678901" || f.sends[0].Mobile != "12345678901" {
		t.Errorf("asked %+v %+v", f.resets, f.sends)
	}
	// The byte-order mark counts as bytes of the body.
	refusedWith(t, post(t, s, resetPath, "\ufeff"+resetBody+strings.Repeat(" ", 32<<10-len(resetBody))), 413, "SDK.COMMON.1002", "The body parameter format is incorrect.")
}

// TestHeaderLengths: all headers may have their longest documented length at the same
// time, and fit the server's recommended limit.
func TestHeaderLengths(t *testing.T) {
	t.Parallel()
	lengths := map[string]int{
		"X-operating-sys-version": 256, "X-device-fingerprint": 4096, "X-device-ip": 256, "X-agent": 1024, "X-L": 256, "X-client-id": 256, "X-tenant-id": 256,
	}
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{}))
	longest := func(h http.Header) {
		for name, n := range lengths {
			h.Set(name, strings.Repeat("x", n))
		}
	}
	accepted(t, post(t, s, resetPath, resetBody, longest))
	if got := len(f.resets[0].Device); got != 4096 {
		t.Errorf("%d bytes of the device arrive", got)
	}
	for name, n := range lengths {
		a := post(t, s, resetPath, resetBody, longest, set(name, strings.Repeat("x", n+1)))
		refusedWith(t, a, 400, "SDK.COMMON.1002", "The "+name+" parameter format is incorrect.")
	}
	total := 0
	for _, n := range lengths {
		total += n
	}
	if room := 16<<10 - total; room < 8<<10 {
		t.Errorf("%d bytes are left for all other headers", room)
	}
}
