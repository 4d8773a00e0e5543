// Package challenge holds what the self-hosted CAPTCHAs share: keys derived from
// a secret, a digest that binds a token to a number, and single use.
package challenge

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// MinSecret is the fewest bytes that a secret may have.
const MinSecret = 32

// Key derives a key of n bytes for one use from the secret (RFC 5869).
func Key(secret identity.Secret, use string, n int) ([]byte, error) {
	if got := len(secret.Reveal()); got < MinSecret {
		return nil, fmt.Errorf("secret has %d bytes, must have at least %d", got, MinSecret)
	}
	return hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "rekey/v1/"+use, n)
}

// Binding returns a keyed digest of the fields. Each field is preceded by its
// length, so that no two lists of fields have the same encoding.
func Binding(key []byte, fields ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, f := range fields {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(f))))
		mac.Write([]byte(f))
	}
	return mac.Sum(nil)
}

// Counter is the part of [identity.Limits] that single use needs.
type Counter interface {
	Spend(ctx context.Context, limits []limit.Limit, now time.Time) ([]limit.Spent, error)
}

// Once reports whether this is the first call with this scope and id. It keeps
// the id for twice the lifetime, because servers that share a storage may have
// clocks that differ. An error means that the storage failed: treat the token as
// used.
func Once(ctx context.Context, c Counter, scope string, id []byte, lifetime time.Duration, now time.Time) (bool, error) {
	sum := sha256.Sum256(id)
	key := limit.Key(scope + ":" + base64.RawURLEncoding.EncodeToString(sum[:]))
	once := limit.Rule{Name: "single use", Rates: []limit.Rate{{Limit: 1, Per: 2 * lifetime}}}
	_, err := c.Spend(ctx, []limit.Limit{{Key: key, Rules: []limit.Rule{once}}}, now)
	if _, refused := errors.AsType[*limit.Error](err); refused {
		return false, nil
	}
	return err == nil, err
}
