package eventwebhook

import "github.com/seed-16109ab2/rekey/identity"

// Signature returns the signature header of a body signed with one secret.
func Signature(secret, id, timestamp, body string) (string, error) {
	key, err := decodeSecret(identity.NewSecret(secret))
	if err != nil {
		return "", err
	}
	return signatures([][]byte{key}, id, timestamp, []byte(body)), nil
}
