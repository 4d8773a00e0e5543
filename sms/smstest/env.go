package smstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// The canaries are distinctive, so that finding one in an error is no coincidence.
const (
	canaryTo   = "+8613987650412"
	canaryCode = "804715"
)

// message returns a message whose text and values survive only an exact encoding.
func (e *env) message(n int, kind sms.Kind) sms.Message {
	m := sms.Message{
		ID:       fmt.Sprintf("01890a5d-ac96-774b-bcce-b302099a%04d", n),
		To:       canaryTo,
		Kind:     kind,
		Purpose:  "FORGET_PWD_SMS",
		Tenant:   "t1",
		Language: "en",
		Text: fmt.Sprintf("Canary %d: code %s & 5 min = 100%% + \"quoted\" 'it' <b> \\ / ; 验证码 é\u0301 😀\nsecond line\tend ",
			n, canaryCode),
		ExpiresAt: time.Now().Add(5 * time.Minute),
	}
	switch kind {
	case sms.KindVerifyCode:
		m.Params = map[string]string{"code": canaryCode, "minutes": "5"}
	case sms.KindPasswordChanged:
		m.Params = map[string]string{"time": "2026-02-03 04:05 UTC"}
	}
	return m
}

type env struct {
	Fixture
	patience, timeout time.Duration

	mu      sync.Mutex
	reads   []Received
	faults  []error
	arrived chan struct{} // one value per request read
}

func (e *env) kinds() []sms.Kind {
	if len(e.Kinds) > 0 {
		return e.Kinds
	}
	return []sms.Kind{sms.KindVerifyCode, sms.KindPasswordChanged}
}

// serve starts a server whose handler gets each request as Read understood it. A
// request that Read refuses is answered with 400, and fails the case.
func (e *env) serve(answer func(w http.ResponseWriter, r *http.Request, got Received, body []byte)) (url string, done func()) {
	e.arrived = make(chan struct{}, 1000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		var got Received
		if err == nil {
			got, err = e.Read(r, body)
		}
		e.mu.Lock()
		if err != nil {
			e.faults = append(e.faults, fmt.Errorf("the provider would not accept this request: %w", err))
		} else {
			e.reads = append(e.reads, got)
		}
		e.mu.Unlock()
		e.arrived <- struct{}{}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer(w, r, got, body)
	}))
	return s.URL, func() {
		s.CloseClientConnections()
		s.Close()
	}
}

func (e *env) received() ([]Received, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reads, errors.Join(e.faults...)
}

func (e *env) sender(url string, timeout time.Duration) (sms.Sender, error) {
	s, err := e.New(url, timeout)
	if err != nil {
		return nil, fmt.Errorf("making the sender: %w", err)
	}
	return s, nil
}

type result struct {
	accepted sms.Accepted
	err      error
}

var errNeverEnded = errors.New("Send did not return: it ignores its time-out or ctx")

// send calls Send and gives up on it after the suite's patience.
func (e *env) send(ctx context.Context, s sms.Sender, m sms.Message) result {
	select {
	case r := <-e.start(ctx, s, m):
		return r
	case <-time.After(e.patience):
		return result{err: errNeverEnded}
	}
}

func (e *env) start(ctx context.Context, s sms.Sender, m sms.Message) <-chan result {
	ended := make(chan result, 1)
	go func() {
		accepted, err := s.Send(ctx, m)
		ended <- result{accepted, err}
	}()
	return ended
}

// answered sends one message to a server that answers so, and checks also that no
// error shows the message or a credential.
func (e *env) answered(answer func(w http.ResponseWriter, r *http.Request, got Received, body []byte)) (result, error) {
	url, done := e.serve(answer)
	defer done()
	s, err := e.sender(url, e.patience)
	if err != nil {
		return result{}, err
	}
	m := e.message(1, sms.KindVerifyCode)
	r := e.send(context.Background(), s, m)
	if errors.Is(r.err, errNeverEnded) {
		return r, r.err
	}
	if _, err := e.received(); err != nil {
		return r, err
	}
	return r, e.clean(r.err, m)
}

// clean reports whether err or anything that it wraps shows the message or a credential.
func (e *env) clean(err error, m sms.Message) error {
	if err == nil {
		return nil
	}
	forbidden := map[string]string{
		"the number": strings.TrimPrefix(m.To, "+"),
		"the text":   m.Text[:10],
		"the code":   canaryCode,
	}
	for i, s := range e.Secrets {
		if s != "" {
			forbidden[fmt.Sprintf("credential %d", i)] = s
		}
	}
	var seen []string
	var walk func(error)
	walk = func(err error) {
		if err == nil {
			return
		}
		seen = append(seen, err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err))
		switch u := err.(type) {
		case interface{ Unwrap() error }:
			walk(u.Unwrap())
		case interface{ Unwrap() []error }:
			for _, err := range u.Unwrap() {
				walk(err)
			}
		}
	}
	walk(err)
	for what, value := range forbidden {
		for _, s := range seen {
			if strings.Contains(s, value) {
				return fmt.Errorf("an error shows %s", what)
			}
		}
	}
	return nil
}

// mayHaveSent reports a fault unless err leaves open whether the message was sent.
func (e *env) mayHaveSent(err error) error {
	if e.Idempotent {
		return wantOutcome(err, sms.Repeatable, sms.Uncertain)
	}
	return wantOutcome(err, sms.Uncertain)
}

// notSent reports a fault unless err says that the message was not sent. A plain
// error passes, as it makes no claim; but the message is then not tried again.
func notSent(err error) error {
	if _, ok := errors.AsType[*sms.Error](err); err != nil && !ok {
		return advice("a plain error counts as uncertain, so the code is lost: return an *sms.Error with Temporary")
	}
	return wantOutcome(err, sms.Temporary)
}

func wantOutcome(err error, want ...sms.Outcome) error {
	if err == nil {
		return errors.New("no error, want a failure")
	}
	if slices.Contains(want, sms.ErrorOf(err).Outcome) {
		return nil
	}
	names := make([]string, len(want))
	for i, o := range want {
		names[i] = o.String()
	}
	if _, ok := errors.AsType[*sms.Error](err); !ok {
		return fmt.Errorf("a plain %T, which counts as uncertain, want an *sms.Error that is %s: %w", err, strings.Join(names, " or "), err)
	}
	return fmt.Errorf("outcome %s, want %s: %w", sms.ErrorOf(err).Outcome, strings.Join(names, " or "), err)
}
