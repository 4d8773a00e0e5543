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

// state is the page's memory between two steps. It never holds a
// password.
type state struct {
	// Number and Country are the values of the first step's form.
	Number  string `json:"n,omitempty"`
	Country string `json:"c,omitempty"`

	// Flow identifies one run through the steps; it is empty until the first step is done.
	// Forms carry it, so that a form of an older run is not accepted in this one.
	Flow string `json:"f,omitempty"`
	Step step   `json:"s,omitempty"`
	// Mobile is the number for the service, Username the number as typed.
	Mobile   string `json:"m,omitempty"`
	Username string `json:"u,omitempty"`
	// Sent says that this run, not an earlier one, sent a code.
	Sent     bool      `json:"v,omitempty"`
	Code     string    `json:"k,omitempty"`
	ResendAt time.Time `json:"r,omitzero"`

	Fault *fault `json:"e,omitempty"`

	ExpiresAt time.Time `json:"t"`
}

// fault is what went wrong with the last form; the next page shows it.
type fault struct {
	Text  string    `json:"t"`
	At    step      `json:"s"`           // the step that shows it
	Field string    `json:"f,omitempty"` // the input that it concerns; empty for the whole form
	Until time.Time `json:"w,omitzero"`  // when to try again
	Min   int       `json:"a,omitempty"`
	Max   int       `json:"b,omitempty"`
	Word  string    `json:"x,omitempty"`
}

// step is one page.
type step string

const (
	stepNumber step = "number"
	stepCheck  step = "check" // the challenge of the CAPTCHA
	stepCode   step = "code"
	stepDone   step = "done"
	stepNotice step = "notice" // one sentence, and what to do
)

// sealer seals states, so that the browser can keep them but neither read nor change
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

// seal returns the value of a cookie, which opens only with the same context.
func (s *sealer) seal(st state, context []byte) (string, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return "", fmt.Errorf("resetpage: encode state: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aeads[0].Seal(nil, nil, text, context)), nil
}

var errNoState = errors.New("resetpage: no state")

// open returns errNoState for a value that seal did not make or that has expired.
func (s *sealer) open(value string, context []byte, now time.Time) (state, error) {
	if len(value) > maxStateCookie {
		return state{}, errNoState
	}
	// Strict decoding allows one spelling of a state.
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

// maxStateCookie is far more than the bounded fields of a state need.
const maxStateCookie = 3 << 10

// sealContext encodes what a state is bound to. Each part is preceded by its length, so
// that different contexts have different encodings.
func sealContext(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// validDevice reports whether an id has the form that the page makes: 130 random bits in
// base32 (RFC 4648), by [crypto/rand.Text]. Another id did not come from the page, and an
// attacker may know it.
func validDevice(id string) bool {
	const length = 26
	return len(id) == length && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
