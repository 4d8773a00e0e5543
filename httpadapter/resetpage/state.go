package resetpage

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// state is what the page remembers between two steps. It never holds a
// password.
type state struct {
	// Number and Country are what the first step's form was filled in with.
	Number  string `json:"n,omitempty"`
	Country string `json:"c,omitempty"`

	// Flow names one way through the steps; empty before the first is done. Forms
	// carry it, so that a form of an older way is not taken for one of this.
	Flow string `json:"f,omitempty"`
	Step step   `json:"s,omitempty"`
	// Mobile is the number that the service is asked with, Username as it was typed.
	Mobile   string `json:"m,omitempty"`
	Username string `json:"u,omitempty"`
	// Sent says that this way sent a code, and not an earlier one.
	Sent     bool      `json:"v,omitempty"`
	Code     string    `json:"k,omitempty"`
	ResendAt time.Time `json:"r,omitzero"`

	Fault *fault `json:"e,omitempty"`

	ExpiresAt time.Time `json:"t"`
}

// fault is what went wrong with the last form, to be said by the next page.
type fault struct {
	Text  string    `json:"t"`
	At    step      `json:"s"`           // the step that says it
	Field string    `json:"f,omitempty"` // the input it is about; empty for all of the form
	Until time.Time `json:"w,omitzero"`  // when to try again
	Min   int       `json:"a,omitempty"`
	Max   int       `json:"b,omitempty"`
	Word  string    `json:"x,omitempty"`
}

// step is one page.
type step string

const (
	stepNumber step = "number"
	stepCheck  step = "check" // prove not to be a robot
	stepCode   step = "code"
	stepDone   step = "done"
	stepNotice step = "notice" // says one thing, and what to do
)

// sealer seals states for the browser to keep: it can neither read nor change
// them.
type sealer struct{ aeads []cipher.AEAD } // the first seals

func newSealer(secrets ...identity.Secret) (*sealer, error) {
	s := &sealer{}
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "rekey httpadapter/resetpage state 1", 32)
		if err != nil {
			return nil, fmt.Errorf("resetpage: derive key: %w", err)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("resetpage: derive key: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("resetpage: derive key: %w", err)
		}
		s.aeads = append(s.aeads, aead)
	}
	return s, nil
}

// seal returns a cookie's value that opens under the same context only.
func (s *sealer) seal(st state, context []byte) (string, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return "", fmt.Errorf("resetpage: encode state: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aeads[0].Seal(nil, nil, text, context)), nil
}

var errNoState = errors.New("resetpage: no state")

// open returns errNoState for everything that seal did not make, or made too
// long ago.
func (s *sealer) open(value string, context []byte, now time.Time) (state, error) {
	if len(value) > maxStateCookie {
		return state{}, errNoState
	}
	// Strict: one state has one spelling.
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil {
		return state{}, errNoState
	}
	for _, aead := range s.aeads {
		text, err := aead.Open(nil, nil, sealed, context)
		if err != nil {
			continue
		}
		var st state
		if json.Unmarshal(text, &st) != nil || !now.Before(st.ExpiresAt) {
			return state{}, errNoState
		}
		return st, nil
	}
	return state{}, errNoState
}

// maxStateCookie is far more than the bounded fields of a state take.
const maxStateCookie = 3 << 10

// sealContext is what a state is bound to, each part with its length before it,
// so that no two contexts are the same bytes.
func sealContext(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// validDevice reports whether an id looks like one of ours: 130 random bits in
// base32 (RFC 4648), as [crypto/rand.Text] makes them. Another party made any other, and
// may know it.
func validDevice(id string) bool {
	const length = 26
	return len(id) == length && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
