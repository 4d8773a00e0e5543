package httpadapter

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-16109ab2/rekey/identity"
)

// Headers that describe the caller, spelled as documented.
const (
	headerOS       = "X-operating-sys-version"
	headerDevice   = "X-device-fingerprint"
	headerDeviceIP = "X-device-ip"
	headerAgent    = "X-agent"
	headerLanguage = "X-L"
	headerClient   = "X-client-id"
	headerTenant   = "X-tenant-id"
	maxHeaderBytes = 256
	maxAgentBytes  = 1024
	maxDeviceBytes = 4096 // tokens of anti-fraud services are long
)

// callerHeaders are the documented headers in documented order.
var callerHeaders = []struct {
	name    string
	longest int // bytes
}{
	{headerOS, maxHeaderBytes},
	{headerDevice, maxDeviceBytes},
	{headerDeviceIP, maxHeaderBytes},
	{headerAgent, maxAgentBytes},
	{headerLanguage, maxHeaderBytes},
	{headerClient, maxHeaderBytes},
	{headerTenant, maxHeaderBytes},
}

// readCaller reads the headers. It refuses a repeated header, because a proxy or filter
// on the way may have read the other value.
func readCaller(r *http.Request, p proxies) (identity.Caller, *refusal) {
	if missingHeader(r, headerClient) {
		return identity.Caller{}, refuse(identity.ErrClientMissing)
	}
	for _, name := range []string{headerOS, headerDevice, headerAgent} {
		if missingHeader(r, name) {
			return identity.Caller{}, refuse(identity.ErrDeviceMissing)
		}
	}
	for _, documented := range callerHeaders {
		values := r.Header.Values(documented.name)
		if len(values) > 1 || len(values) == 1 && !wellFormedHeader(values[0], documented.longest) {
			return identity.Caller{}, refuseMalformed(documented.name)
		}
	}
	return identity.Caller{
		ClientID:       r.Header.Get(headerClient),
		TenantID:       r.Header.Get(headerTenant),
		Device:         r.Header.Get(headerDevice),
		Address:        p.address(r),
		ClaimedAddress: r.Header.Get(headerDeviceIP),
		OSVersion:      r.Header.Get(headerOS),
		Agent:          r.Header.Get(headerAgent),
		Language:       r.Header.Get(headerLanguage),
	}, nil
}

func missingHeader(r *http.Request, name string) bool {
	values := r.Header.Values(name)
	return len(values) == 0 || len(values) == 1 && blank(values[0])
}

func wellFormedHeader(value string, longest int) bool {
	return len(value) <= longest && utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl)
}

// single returns the value of a header that occurs once and is well-formed, and otherwise
// the empty string. It is for values that are needed before the headers are checked.
func single(r *http.Request, name string) string {
	values := r.Header.Values(name)
	if len(values) != 1 || !wellFormedHeader(values[0], maxHeaderBytes) {
		return ""
	}
	return values[0]
}

// read returns the body, or nil for an incomplete body, which is not JSON.
func (h *handler) read(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	if r.ContentLength > h.options.MaxBodyBytes {
		return nil, refuseSize()
	}
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.options.MaxBodyBytes))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, refuseSize()
	}
	if err != nil {
		return nil, nil
	}
	return body, nil
}
