package httpadapter

import (
	"net/http"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/jsonbody"
	"github.com/seed-16109ab2/rekey/identity/mobile"
)

// Service is what a fake implements.
type Service = service

// NewWithService is New for a fake.
func NewWithService(s Service, opts Options) (http.Handler, error) {
	h, err := newHandler(s, opts)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Refused is the refusal that a decoder returned.
type Refused struct {
	Code  string
	About string
}

func refused(r *refusal) Refused { return Refused{r.code(), r.args[0].(string)} }

// DecodeReset exposes the decoder of the reset route.
func DecodeReset(body []byte) (mobile, code, password string, err *Refused) {
	b, r := decodeReset(body)
	if r != nil {
		e := refused(r)
		err = &e
	}
	return b.mobile, b.code.Reveal(), b.password.Reveal(), err
}

// DecodeSend exposes the decoder of the send route.
func DecodeSend(body []byte) (mobile, purpose, captchaToken string, err *Refused) {
	b, r := decodeSend(body)
	if r != nil {
		e := refused(r)
		err = &e
	}
	return b.mobile, b.purpose, b.captchaToken, err
}

// AcceptedContentType exposes the check of Content-Type.
func AcceptedContentType(values ...string) bool { return jsonbody.AcceptedType(values) }

// ShippedMessages exposes the messages.
func ShippedMessages() Messages { return shippedMessages() }

// MobileRegex exposes the form of a country's numbers.
func MobileRegex(c mobile.Country, byDefault bool) string { return mobileRegex(c, byDefault) }
