package binary

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// Inbox receives a server's messages.
type Inbox struct {
	URL    string
	server *http.Server

	mu       sync.Mutex
	received int
	codes    map[string]chan string // by number in E.164
}

// Listen opens an inbox on a free port.
func Listen() (*Inbox, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	in := &Inbox{URL: "http://" + l.Addr().String() + "/sms", codes: map[string]chan string{}}
	in.server = &http.Server{Handler: in, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = in.server.Serve(l) }() // until Close
	return in, nil
}

// Close stops receiving.
func (in *Inbox) Close() error { return in.server.Close() }

// ServeHTTP implements [http.Handler].
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Data struct {
			To     string            `json:"to"`
			Params map[string]string `json:"params"`
		} `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	code := body.Data.Params["code"]
	if code == "" {
		return // the notice of a reset
	}
	c := in.of(body.Data.To)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.received++
	select {
	case <-c: // a new code ends an older one
	default:
	}
	c <- code
}

func (in *Inbox) of(e164 string) chan string {
	in.mu.Lock()
	defer in.mu.Unlock()
	c, ok := in.codes[e164]
	if !ok {
		c = make(chan string, 1)
		in.codes[e164] = c
	}
	return c
}

// Code waits for the next code of a number.
func (in *Inbox) Code(ctx context.Context, e164 string) (string, error) {
	select {
	case code := <-in.of(e164):
		return code, nil
	case <-ctx.Done():
		return "", fmt.Errorf("no code for %s arrived: %w", e164, ctx.Err())
	}
}

// Received returns how many codes have arrived.
func (in *Inbox) Received() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.received
}
