package altcha

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The formats of the ALTCHA protocol, version 2, as altcha-lib 2.8.0 (npm) reads
// and writes them, in its mode with a secret counter and a signed key.

const (
	algorithm = "PBKDF2/SHA-256"
	keyLength = 32
	// maxToken bounds a token; a real one has about 1,000 bytes.
	maxToken = 4096
)

// parameters are the contents of a challenge. The fields are in alphabetical order,
// because the signature covers JSON with sorted names.
type parameters struct {
	Algorithm    string `json:"algorithm"`
	Cost         int    `json:"cost"`
	Data         data   `json:"data"`
	ExpiresAt    int64  `json:"expiresAt"` // Unix seconds
	KeyLength    int    `json:"keyLength"`
	KeyPrefix    string `json:"keyPrefix"`
	KeySignature string `json:"keySignature"`
	Nonce        string `json:"nonce"`
	Salt         string `json:"salt"`
}

// data is Rekey's own part of a challenge, which the protocol signs but does not
// interpret.
type data struct {
	Bound string `json:"bound"`
	Level int    `json:"level"`
}

type signed struct {
	Parameters parameters `json:"parameters"`
	Signature  string     `json:"signature"`
}

type solution struct {
	Counter    uint32 `json:"counter"`
	DerivedKey string `json:"derivedKey"`
}

// canonical returns the text that is signed: the object as JSON.stringify writes it, with
// sorted names.
func (p parameters) canonical() []byte {
	text, err := marshal(p)
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return text
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // JSON.stringify does not either
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// derive returns the key of one number.
func (p parameters) derive(number uint32) ([]byte, error) {
	nonce, err := hex.DecodeString(p.Nonce)
	if err != nil {
		return nil, errors.New("altcha: nonce is not hexadecimal")
	}
	salt, err := hex.DecodeString(p.Salt)
	if err != nil {
		return nil, errors.New("altcha: salt is not hexadecimal")
	}
	password := binary.BigEndian.AppendUint32(nonce, number)
	return pbkdf2.Key(sha256.New, string(password), salt, p.Cost, p.KeyLength)
}

func sign(key, text []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

func randomHex() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

// parseToken reads Base64 of {"challenge": {"parameters", "signature"},
// "solution": {"counter", "derivedKey", "time"}}, and returns the challenge and
// the key. Its errors hold nothing of the token.
func parseToken(token string) (signed, []byte, error) {
	fail := func(why string) (signed, []byte, error) { return signed{}, nil, errors.New(why) }
	if len(token) > maxToken {
		return fail("the token is too long")
	}
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return fail("the token is not Base64")
	}
	var body struct {
		Challenge struct {
			Parameters json.RawMessage `json:"parameters"`
			Signature  string          `json:"signature"`
		} `json:"challenge"`
		Solution solution `json:"solution"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return fail("the token is not JSON of the right form")
	}
	s := signed{Signature: body.Challenge.Signature}
	// Challenge writes no other parameters, so unknown ones are refused.
	dec := json.NewDecoder(bytes.NewReader(body.Challenge.Parameters))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s.Parameters); err != nil {
		return fail("the parameters are not ours")
	}
	key, err := hex.DecodeString(body.Solution.DerivedKey)
	if err != nil || len(key) != keyLength {
		return fail("the solution is not a key")
	}
	return s, key, nil
}

// Solve finds the solution of a challenge and returns it as a token, for clients
// that are written in Go and for tests. It uses one core, and stops when ctx ends.
func Solve(ctx context.Context, challengeJSON []byte) (token string, err error) {
	var s signed
	if err := json.Unmarshal(challengeJSON, &s); err != nil {
		return "", fmt.Errorf("altcha: challenge: %w", err)
	}
	if p := s.Parameters; p.Algorithm != algorithm || p.KeyLength != keyLength || p.Cost < 1 || len(p.KeyPrefix) == 0 {
		return "", fmt.Errorf("altcha: the challenge's algorithm %q is not supported", p.Algorithm)
	}
	for number := uint32(0); ; number++ {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		key, err := s.Parameters.derive(number)
		if err != nil {
			return "", err
		}
		if found := hex.EncodeToString(key); strings.HasPrefix(found, s.Parameters.KeyPrefix) {
			text, err := marshal(struct {
				Challenge signed   `json:"challenge"`
				Solution  solution `json:"solution"`
			}{s, solution{Counter: number, DerivedKey: found}})
			if err != nil {
				return "", err
			}
			return base64.StdEncoding.EncodeToString(text), nil
		}
		if number == 1<<32-1 {
			return "", errors.New("altcha: challenge has no solution")
		}
	}
}
