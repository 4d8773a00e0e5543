package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Ring holds the keys of the current secret and of older secrets. It is safe for
// concurrent use.
type Ring struct {
	current *keys
	// oldest makes row keys. It does not change while a secret is being rotated, so that
	// servers with and without the new secret use the same rows.
	oldest *keys
	byID   map[string]*keys
	ids    []string
}

type keys struct {
	id     string
	digest []byte
	row    []byte
	aead   cipher.AEAD
}

// New derives the keys of all secrets. The first secret makes digests and seals; the
// others only match and open.
func New(secrets ...string) (*Ring, error) {
	r := &Ring{byID: make(map[string]*keys)}
	for _, secret := range secrets {
		k, err := derive(secret)
		if err != nil {
			return nil, err
		}
		if r.current == nil {
			r.current = k
		}
		r.oldest = k
		if r.byID[k.id] == nil {
			r.byID[k.id] = k
			r.ids = append(r.ids, k.id)
		}
	}
	return r, nil
}

// IDs returns the ids of all listed secrets, the current one first.
func (r *Ring) IDs() []string { return r.ids }

// Knows reports whether the secret of that id is listed.
func (r *Ring) Knows(id string) bool { return r.byID[id] != nil }

// derive makes one key for each use (RFC 5869), so that a digest can never serve as a
// seal.
func derive(secret string) (*keys, error) {
	expand := func(info string, n int) ([]byte, error) {
		return hkdf.Key(sha256.New, []byte(secret), nil, "rekey/v1/"+info, n)
	}
	id, err := expand("key id", 8)
	if err != nil {
		return nil, err
	}
	digest, err := expand("code digest", 32)
	if err != nil {
		return nil, err
	}
	row, err := expand("row keys", 32)
	if err != nil {
		return nil, err
	}
	seal, err := expand("outbox seal", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, err
	}
	// Random 96-bit nonces: safe for 2^32 messages under a key (SP 800-38D, 8.3).
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &keys{id: hex.EncodeToString(id), digest: digest, row: row, aead: aead}, nil
}

// Digest returns the HMAC-SHA-256 of the fields under the current secret, and the id of
// that secret.
func (r *Ring) Digest(fields ...string) (digest []byte, keyID string) {
	return mac(r.current.digest, fields), r.current.id
}

// Matches reports in constant time whether the digest was made from the fields with the
// secret of that id. An id that is no longer listed never matches.
func (r *Ring) Matches(digest []byte, keyID string, fields ...string) bool {
	k, ok := r.byID[keyID]
	if !ok {
		k = r.current // do the same work, but never match
	}
	return hmac.Equal(digest, mac(k.digest, fields)) && ok
}

// RowKey returns an HMAC-SHA-256 of the fields, by which rows are found. It changes only
// when the old secret is removed from the list. Without the secret, the number behind a
// row key cannot be found by trying all numbers.
func (r *Ring) RowKey(fields ...string) []byte { return mac(r.oldest.row, fields) }

func mac(key []byte, fields []string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(frame(fields))
	return h.Sum(nil)
}

// frame encodes a list of fields. The length before each field makes the encodings of
// different lists differ, such as ("ab","c") and ("a","bc").
func frame(fields []string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(fields)))
	for _, f := range fields {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

// ErrSealed says that a sealed text does not open.
var ErrSealed = errors.New("sealed text does not open")

const keyIDLen = 16

// Seal encrypts and authenticates a text. Only Open with the same binding (the id of the
// row) returns it, so that the texts of rows cannot be exchanged.
func (r *Ring) Seal(text []byte, binding string) (sealed []byte, keyID string) {
	return r.current.aead.Seal([]byte(r.current.id), nil, text, []byte(binding)), r.current.id
}

// Open is the inverse of Seal. It fails with ErrSealed for everything that Seal did not
// return with a listed secret and the same binding.
func (r *Ring) Open(sealed []byte, binding string) ([]byte, error) {
	if len(sealed) < keyIDLen {
		return nil, ErrSealed
	}
	k, ok := r.byID[string(sealed[:keyIDLen])]
	if !ok {
		return nil, fmt.Errorf("%w: made with a secret that is not listed", ErrSealed)
	}
	text, err := k.aead.Open(nil, nil, sealed[keyIDLen:], []byte(binding))
	if err != nil {
		return nil, ErrSealed
	}
	return text, nil
}
