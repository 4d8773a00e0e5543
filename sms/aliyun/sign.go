package aliyun

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/sms/internal/signing"
)

const algorithm = "ACS3-HMAC-SHA256"

// encode percent-encodes everything but the unreserved characters of RFC 3986.
func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// canonicalQuery encodes parameters sorted by name. The query is sent as it is signed.
func canonicalQuery(params map[string]string) string {
	var parts []string
	for name, value := range params {
		parts = append(parts, encode(name)+"="+encode(value))
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

// authorize signs a request without a body whose x-acs- header fields are set.
func authorize(r *http.Request, keyID, secret string) {
	fields := map[string]string{"host": r.URL.Host}
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-acs-") {
			fields[name] = strings.TrimSpace(values[0])
		}
	}
	signed, headers := signing.Headers(fields)
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	canonical := strings.Join([]string{r.Method, path, r.URL.RawQuery, headers, signed, fields["x-acs-content-sha256"]}, "\n")
	mac := signing.HMAC([]byte(secret), algorithm+"\n"+signing.SHA256(canonical))
	r.Header.Set("Authorization", algorithm+" Credential="+keyID+",SignedHeaders="+signed+",Signature="+hex.EncodeToString(mac))
}
