package captcha

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
)

// puzzleAnswer has all fields that clients of the API family may read. Fields of the
// type any are always null, as in the answers of the family.
type puzzleAnswer struct {
	CaptchaID           string `json:"captchaId"`
	ProjectCode         any    `json:"projectCode"`
	CaptchaOriginalPath any    `json:"captchaOriginalPath"`
	CaptchaFontType     any    `json:"captchaFontType"`
	CaptchaFontSize     any    `json:"captchaFontSize"`
	SecretKey           any    `json:"secretKey"` // null, so that clients do not encrypt the point
	OriginalImageBase64 []byte `json:"originalImageBase64"`
	Point               any    `json:"point"` // where the hole is; never sent
	JigsawImageBase64   []byte `json:"jigsawImageBase64"`
	WordList            any    `json:"wordList"`
	PointList           any    `json:"pointList"`
	PointJSON           any    `json:"pointJson"`
	Token               string `json:"token"`
	Result              bool   `json:"result"`
	CaptchaVerification any    `json:"captchaVerification"`
}

func (s *server) puzzle(ctx context.Context, c identity.Caller, _ []string) (any, error) {
	if err := s.admit(ctx, c); err != nil {
		return nil, err
	}
	p, err := s.Puzzles.New(ctx)
	if err != nil {
		return nil, err
	}
	// encoding/json writes bytes as standard Base64, which is what the field names say.
	return puzzleAnswer{CaptchaID: p.ID, Token: p.Token, OriginalImageBase64: p.Picture, JigsawImageBase64: p.Piece}, nil
}

// verify checks the answer to a puzzle. It does not charge the address, because the
// puzzle was charged.
func (s *server) verify(ctx context.Context, c identity.Caller, values []string) (any, error) {
	pointText, token, sender := values[0], values[1], values[2]
	x, y, ok := parsePoint(pointText)
	if !ok {
		return nil, &httpadapter.MalformedError{Parameter: fieldPoint}
	}
	if err := s.Service.CheckCaller(ctx, c); err != nil {
		return nil, err
	}
	mobile, err := s.Service.NormalizeMobile(sender)
	if err != nil {
		return nil, err
	}
	captchaToken, err := s.Puzzles.Solve(ctx, token, mobile, x, y)
	if err != nil {
		return nil, err
	}
	return struct {
		CaptchaToken string `json:"captcha_token"`
	}{captchaToken}, nil
}

// parsePoint reads {"x":237.0,"y":5.0} and ignores other fields.
func parsePoint(text string) (x, y float64, ok bool) {
	var point struct{ X, Y *float64 }
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := dec.Decode(&point); err != nil || point.X == nil || point.Y == nil {
		return 0, 0, false
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return 0, 0, false
	}
	return *point.X, *point.Y, true
}

func (s *server) challenge(ctx context.Context, c identity.Caller, values []string) (any, error) {
	purpose := identity.Purpose(values[1])
	if !purpose.Known() {
		return nil, identity.ErrUnknownPurpose
	}
	mobile, err := s.Service.NormalizeMobile(values[0])
	if err != nil {
		return nil, err
	}
	if err := s.admit(ctx, c); err != nil {
		return nil, err
	}
	text, err := s.Altcha.Challenge(ctx, identity.CaptchaRequest{Mobile: mobile, Purpose: purpose, Caller: c})
	return json.RawMessage(text), err
}
