// Package signing holds the steps that the request signatures of several providers
// share.
package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// HMAC returns the HMAC-SHA256 of s.
func HMAC(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

// SHA256 returns the SHA-256 of s in hexadecimal.
func SHA256(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// Headers returns the names of header fields, in lower case, sorted and joined by
// semicolons, and the fields as "name:value" lines in that order.
func Headers(fields map[string]string) (names, lines string) {
	sorted := slices.Sorted(maps.Keys(fields))
	var b strings.Builder
	for _, name := range sorted {
		b.WriteString(name + ":" + fields[name] + "\n")
	}
	return strings.Join(sorted, ";"), b.String()
}
