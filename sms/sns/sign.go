package sns

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/sms/internal/signing"
)

const algorithm = "AWS4-HMAC-SHA256"

// authorize signs a request without a query for a path of "/". It signs the host,
// the content type if there is one, and the x-amz- fields that it sets itself.
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
	signed, headers := signing.Headers(fields)
	canonical := strings.Join([]string{r.Method, "/", "", headers, signed, signing.SHA256(body)}, "\n")
	date := at.Format("20060102")
	scope := date + "/" + region + "/" + service + "/aws4_request"
	toSign := strings.Join([]string{algorithm, stamp, scope, signing.SHA256(canonical)}, "\n")
	key := signing.HMAC(signing.HMAC(signing.HMAC(signing.HMAC([]byte("AWS4"+c.SecretAccessKey.Reveal()), date), region), service), "aws4_request")
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+scope+", SignedHeaders="+signed+
		", Signature="+hex.EncodeToString(signing.HMAC(key, toSign)))
}
