package puzzle

import (
	"encoding/binary"
	"time"
)

// kind separates values that were sealed for different uses, so that an unsolved puzzle is
// not accepted as a token.
type kind string

const (
	kindPuzzle kind = "puzzle"
	kindToken  kind = "token"
)

const (
	idBytes     = 16
	mobileBytes = 32
	fixedBytes  = idBytes + 8 + 2
	// maxSealed bounds what is decoded, in characters; real ones have less than 200.
	maxSealed = 512
)

// sealed is the content of a puzzle or a token.
type sealed struct {
	id      []byte
	expires time.Time
	x       uint16 // of a puzzle: pixels
	mobile  []byte // of a token: keyed digest of the number
}

// pack encrypts and authenticates; random nonces of 96 bits are safe for 2^32
// puzzles under one key (SP 800-38D, 8.3).
func (p *Puzzles) pack(k kind, s sealed) string {
	b := make([]byte, 0, fixedBytes+mobileBytes)
	b = append(b, s.id...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.expires.UnixMilli()))
	b = binary.BigEndian.AppendUint16(b, s.x)
	b = append(b, s.mobile...)
	return encoding.EncodeToString(p.seal.Seal(nil, nil, b, []byte(k)))
}

// unpack is the inverse of pack for the same kind.
func (p *Puzzles) unpack(k kind, text string) (sealed, error) {
	if len(text) > maxSealed {
		return sealed{}, wrong("the token is too long")
	}
	b, err := encoding.DecodeString(text)
	if err != nil {
		return sealed{}, wrong("the token is not Base64")
	}
	b, err = p.seal.Open(nil, nil, b, []byte(k))
	if err != nil {
		return sealed{}, wrong("the token is not ours")
	}
	if len(b) != fixedBytes && len(b) != fixedBytes+mobileBytes {
		return sealed{}, wrong("the token is of another form")
	}
	return sealed{
		id:      b[:idBytes],
		expires: time.UnixMilli(int64(binary.BigEndian.Uint64(b[idBytes:]))),
		x:       binary.BigEndian.Uint16(b[idBytes+8:]),
		mobile:  b[fixedBytes:],
	}, nil
}
