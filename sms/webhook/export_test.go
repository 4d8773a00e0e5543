package webhook

import "github.com/seed-16109ab2/rekey/identity"

// Sign signs with a secret in its written form.
func Sign(secret, id string, unix int64, body []byte) (string, error) {
	key, err := parseSecret("", identity.NewSecret(secret))
	if err != nil {
		return "", err
	}
	return sign(key, id, unix, body), nil
}
