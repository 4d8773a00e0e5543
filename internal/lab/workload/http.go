package workload

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The documented routes.
const (
	ResetPath = "/api/v2/sdk/pwd/update-by-mobile"
	SendPath  = "/api/v2/sdk/sms/send"
)

// Origin is where a request comes from.
type Origin struct {
	Device string
	// Address is sent in X-Forwarded-For, for a server that trusts the header. If empty,
	// the header is not sent.
	Address string
}

// Person is where the n-th person's requests come from: a device and an IPv4 /24 that
// no other person has.
func Person(n int) Origin {
	return Origin{Device: fmt.Sprintf("device-%d", n), Address: fmt.Sprintf("%d.%d.%d.1", 1+n>>16&0x7f, n>>8&0xff, n&0xff)}
}

// headers are the headers of the documented requests.
func (o Origin) headers() map[string]string {
	h := map[string]string{
		"Content-Type": "application/json;charset=utf8", "X-operating-sys-version": "Android 10", "X-device-fingerprint": o.Device,
		"X-agent": "workload", "X-L": "en", "X-client-id": ClientID,
	}
	if o.Address != "" {
		h["X-Forwarded-For"] = o.Address
	}
	return h
}

// Answer is the server's answer. Code is the error_code of a refusal.
type Answer struct {
	Status int
	Code   string `json:"error_code"`
}

// String names the answer in counts of unexpected answers.
func (a Answer) String() string {
	return strings.TrimSpace(fmt.Sprintf("status %d %s", a.Status, a.Code))
}

// Post sends the documented request with these body fields and returns the status.
func Post(ctx context.Context, c *http.Client, url string, fields map[string]string) (int, error) {
	answer, err := PostFrom(ctx, c, url, Origin{Device: Device}, fields)
	return answer.Status, err
}

// PostFrom is [Post] with a device and an address.
func PostFrom(ctx context.Context, c *http.Client, url string, from Origin, fields map[string]string) (Answer, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return Answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for name, value := range from.headers() {
		req.Header.Set(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	var answer Answer
	answer.read(resp.StatusCode, text)
	return answer, err
}

// read reads a server's answer. Another server's body may not be JSON.
func (a *Answer) read(status int, body []byte) {
	if status != http.StatusOK {
		_ = json.Unmarshal(body, a)
	}
	a.Status = status
}
