package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

const (
	secretPrefix = "whsec_"
	// Standard Webhooks: a symmetric secret has 192 to 512 bits.
	minSecret, maxSecret = 24, 64
)

// parseSecret returns the key in a secret of the form "whsec_<base64>". Its errors
// name the field and never show the value.
func parseSecret(field string, s identity.Secret) ([]byte, error) {
	rest, ok := strings.CutPrefix(s.Reveal(), secretPrefix)
	if !ok {
		return nil, errors.New(field + " must start with " + secretPrefix)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(rest)
	if err != nil {
		return nil, errors.New(field + " must be base64 after " + secretPrefix)
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, errors.New(field + " must contain 24 to 64 bytes")
	}
	return key, nil
}

func sign(key []byte, id string, unix int64, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(unix, 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// usableID reports whether an id can stand in a header field and has no full stop.
// Full stops separate the parts of the signed content.
func usableID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' || c == '.' {
			return false
		}
	}
	return true
}
