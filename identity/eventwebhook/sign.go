package eventwebhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

const secretPrefix = "whsec_"

// NewSecret makes a secret of 32 random bytes.
func NewSecret() identity.Secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return identity.NewSecret(secretPrefix + base64.StdEncoding.EncodeToString(key))
}

// decodeSecret returns the key that a secret encodes. Its errors complete a sentence
// and do not contain the secret.
func decodeSecret(s identity.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(s.Reveal(), secretPrefix)
	if !ok {
		return nil, errors.New("does not begin with " + secretPrefix)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("is not Base64 after " + secretPrefix)
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, errors.New("does not have 24 to 64 bytes")
	}
	return key, nil
}

// signatures returns the header of a request: one signature for each key.
func signatures(keys [][]byte, id, timestamp string, body []byte) string {
	all := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}
