package sns

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const algorithm = "AWS4-HMAC-SHA256"

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// authorize signs a request without a query for a path of "/". Signed are the
// host, the content type if there is one, and the x-amz- fields it sets itself.
func authorize(r *http.Request, body string, c Credentials, region, service string, at time.Time) {
	at = at.UTC()
	stamp := at.Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	fields := map[string]string{"host": r.URL.Host, "x-amz-date": stamp}
	if v := r.Header.Get("Content-Type"); v != "" {
		fields["content-type"] = v
	}
	if token := c.SessionToken.Reveal(); token != "" {
		r.Header.Set("X-Amz-Security-Token", token)
		fields["x-amz-security-token"] = token
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, name := range names {
		headers.WriteString(name + ":" + fields[name] + "\n")
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{r.Method, "/", "", headers.String(), signed, sum(body)}, "\n")
	date := at.Format("20060102")
	scope := date + "/" + region + "/" + service + "/aws4_request"
	toSign := strings.Join([]string{algorithm, stamp, scope, sum(canonical)}, "\n")
	key := mac(mac(mac(mac([]byte("AWS4"+c.SecretAccessKey.Reveal()), date), region), service), "aws4_request")
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+scope+", SignedHeaders="+signed+
		", Signature="+hex.EncodeToString(mac(key, toSign)))
}
