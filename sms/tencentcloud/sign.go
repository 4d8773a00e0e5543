package tencentcloud

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm   = "TC3-HMAC-SHA256"
	contentType = "application/json; charset=utf-8"
)

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// authorization signs a POST of a JSON body to the root of host.
func authorization(secretID, secretKey, host, service, action string, at time.Time, body string) string {
	const signed = "content-type;host;x-tc-action"
	canonical := strings.Join([]string{
		"POST", "/", "",
		"content-type:" + contentType, "host:" + host, "x-tc-action:" + strings.ToLower(action), "",
		signed, sum(body),
	}, "\n")
	date := at.UTC().Format(time.DateOnly)
	scope := date + "/" + service + "/tc3_request"
	toSign := strings.Join([]string{algorithm, strconv.FormatInt(at.Unix(), 10), scope, sum(canonical)}, "\n")
	key := mac(mac(mac([]byte("TC3"+secretKey), date), service), "tc3_request")
	return algorithm + " Credential=" + secretID + "/" + scope + ", SignedHeaders=" + signed +
		", Signature=" + hex.EncodeToString(mac(key, toSign))
}
