// Package smsreceipt is what the providers' callback handlers share: one delivery
// receipt in one request, whose signature is checked before the receipt is read.
//
// A replayed receipt is harmless, because the first receipt of a message stands. A
// signature without a time is therefore enough; most providers have that.
package smsreceipt

import (
	"context"
	"crypto/hmac"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
)

// maxBody is how large a request may be, in bytes. Receipts have a few hundred.
const maxBody = 64 << 10

// The errors of [Handler] Read.
var (
	ErrForged    = errors.New("signature missing or wrong")
	ErrMalformed = errors.New("malformed")
)

// Handler answers a provider's callbacks.
type Handler struct {
	// Methods are the HTTP methods that the provider uses.
	Methods []string
	// Read checks the signature of the request and returns its receipt. A receipt
	// without a state is about a state in between; it is acknowledged and not kept.
	Read func(r *http.Request, body []byte) (sms.DeliveryReceipt, error)
	// Record keeps the receipt.
	Record func(context.Context, sms.DeliveryReceipt) error
}

// ServeHTTP implements http.Handler. It answers 200 if there is nothing left to do,
// 400 to a malformed request, 403 to a forged one and 404 for an unknown message. It
// answers 503 if storage fails, so that the provider repeats the request.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(h.status(w, r))
}

func (h Handler) status(w http.ResponseWriter, r *http.Request) int {
	allowed := false
	for _, m := range h.Methods {
		w.Header().Add("Allow", m)
		allowed = allowed || m == r.Method
	}
	if !allowed {
		return http.StatusMethodNotAllowed
	}
	w.Header().Del("Allow")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	} else if err != nil {
		return http.StatusBadRequest
	}
	receipt, err := h.Read(r, body)
	switch {
	case errors.Is(err, ErrForged):
		return http.StatusForbidden
	case err != nil:
		return http.StatusBadRequest
	case receipt.State == "":
		return http.StatusOK
	case receipt.Ref == "" || len(receipt.Ref) > 128:
		return http.StatusBadRequest
	}
	switch err := h.Record(r.Context(), receipt); {
	case errors.Is(err, identity.ErrNotFound):
		return http.StatusNotFound
	case err != nil:
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// Equal compares signatures in constant time. An empty want matches nothing.
func Equal(given, want []byte) error {
	if len(want) == 0 || !hmac.Equal(given, want) {
		return ErrForged
	}
	return nil
}

// Form parses a form in which each parameter occurs once. If a parameter could occur
// twice, the signature could cover one value and the reader take the other.
func Form(encoded string) (url.Values, error) {
	form, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, ErrMalformed
	}
	for _, values := range form {
		if len(values) != 1 {
			return nil, ErrMalformed
		}
	}
	return form, nil
}

// Check reports the faults of a handler's configuration. publicURL is the address
// that the provider calls, or nil if the provider does not sign it.
func Check(secretField string, secret identity.Secret, publicURL *string, record func(context.Context, sms.DeliveryReceipt) error) error {
	var faults []error
	if secret.Empty() {
		faults = append(faults, errors.New(secretField+" is required"))
	}
	if publicURL != nil {
		if u, err := url.Parse(*publicURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			faults = append(faults, errors.New("URL is not an absolute URL"))
		}
	}
	if record == nil {
		faults = append(faults, errors.New("no Record"))
	}
	return errors.Join(faults...)
}
