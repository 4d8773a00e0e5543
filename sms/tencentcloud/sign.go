package tencentcloud

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/sms/internal/signing"
)

const (
	algorithm   = "TC3-HMAC-SHA256"
	contentType = "application/json; charset=utf-8"
)

// authorization signs a POST of a JSON body to the root of host.
func authorization(secretID, secretKey, host, service, action string, at time.Time, body string) string {
	const signed = "content-type;host;x-tc-action"
	canonical := strings.Join([]string{
		"POST", "/", "",
		"content-type:" + contentType, "host:" + host, "x-tc-action:" + strings.ToLower(action), "",
		signed, signing.SHA256(body),
	}, "\n")
	date := at.UTC().Format(time.DateOnly)
	scope := date + "/" + service + "/tc3_request"
	toSign := strings.Join([]string{algorithm, strconv.FormatInt(at.Unix(), 10), scope, signing.SHA256(canonical)}, "\n")
	key := signing.HMAC(signing.HMAC(signing.HMAC([]byte("TC3"+secretKey), date), service), "tc3_request")
	return algorithm + " Credential=" + secretID + "/" + scope + ", SignedHeaders=" + signed +
		", Signature=" + hex.EncodeToString(signing.HMAC(key, toSign))
}
