package smstest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// stall does not answer until release is closed or the client is gone.
func stall(release <-chan struct{}) func(http.ResponseWriter, *http.Request, Received, []byte) {
	return func(_ http.ResponseWriter, r *http.Request, _ Received, _ []byte) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
}

func timedOut(e *env) error {
	release := make(chan struct{})
	url, done := e.serve(stall(release))
	defer done()
	defer close(release)
	s, err := e.sender(url, e.timeout)
	if err != nil {
		return err
	}
	m := e.message(1, sms.KindVerifyCode)
	r := e.send(context.Background(), s, m)
	if errors.Is(r.err, errNeverEnded) {
		return r.err
	}
	if len(e.arrived) == 0 && sms.ErrorOf(r.err).Outcome == sms.Temporary {
		return e.clean(r.err, m) // the machine is so slow that the request had not left
	}
	return errors.Join(e.mayHaveSent(r.err), e.clean(r.err, m))
}

func cancelled(e *env) error {
	release := make(chan struct{})
	url, done := e.serve(stall(release))
	defer done()
	defer close(release)
	s, err := e.sender(url, e.patience*2)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := e.message(1, sms.KindVerifyCode)
	ended := e.start(ctx, s, m)
	select {
	case <-e.arrived:
	case r := <-ended:
		return fmt.Errorf("returned before the provider answered: %w", r.err)
	case <-time.After(e.patience):
		return errors.New("no request arrived")
	}
	cancel()
	select {
	case r := <-ended:
		if !errors.Is(r.err, context.Canceled) {
			return fmt.Errorf("error does not wrap context.Canceled: %w", r.err)
		}
		return errors.Join(e.mayHaveSent(r.err), e.clean(r.err, m))
	case <-time.After(e.patience):
		return errNeverEnded
	}
}

func cancelledBefore(e *env) error {
	url, done := e.serve(e.play(Accept))
	defer done()
	s, err := e.sender(url, e.patience)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := e.send(ctx, s, e.message(1, sms.KindVerifyCode))
	if !errors.Is(r.err, context.Canceled) {
		return fmt.Errorf("error does not wrap context.Canceled: %w", r.err)
	}
	if len(e.arrived) > 0 {
		return errors.New("a request was sent nevertheless")
	}
	return notSent(r.err)
}

func cut(e *env) error {
	r, err := e.answered(func(w http.ResponseWriter, _ *http.Request, _ Received, _ []byte) {
		panic(http.ErrAbortHandler)
	})
	return errors.Join(err, e.mayHaveSent(r.err))
}

func unreachable(e *env) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	url := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	s, err := e.sender(url, e.patience)
	if err != nil {
		return err
	}
	m := e.message(1, sms.KindVerifyCode)
	r := e.send(context.Background(), s, m)
	if err := e.clean(r.err, m); err != nil {
		return err
	}
	return notSent(r.err)
}

func serverError(e *env) error {
	r, err := e.answered(func(w http.ResponseWriter, _ *http.Request, _ Received, _ []byte) {
		w.WriteHeader(http.StatusBadGateway)
	})
	return errors.Join(err, e.mayHaveSent(r.err))
}

func garbage(e *env) error {
	for _, body := range []string{"", "<html>welcome</html>", `{"id":`, "[]", "null", "\x00\xff", `{"message":[{}],"id":{}}`} {
		r, err := e.answered(func(w http.ResponseWriter, _ *http.Request, _ Received, _ []byte) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		})
		if err != nil {
			return err
		}
		if e.StatusDecides {
			if r.err != nil {
				return fmt.Errorf("answer %q: %w", body, r.err)
			}
			if r.accepted.Ref != "" {
				return fmt.Errorf("answer %q: an id that the answer does not contain", body)
			}
			continue
		}
		if err := e.mayHaveSent(r.err); err != nil {
			return fmt.Errorf("answer %q: %w", body, err)
		}
	}
	return nil
}

// hugeLimit is more than the server can write to a client that gave up: what the
// client read, and the buffers on both sides. Linux lets loopback sockets grow to
// a few MiB each.
const hugeLimit = 48 << 20

func huge(e *env) error {
	var written atomic.Int64
	r, err := e.answered(func(w http.ResponseWriter, r *http.Request, _ Received, _ []byte) {
		chunk := make([]byte, 64<<10)
		for i := range chunk {
			chunk[i] = 'x'
		}
		for written.Load() < hugeLimit {
			n, err := w.Write(chunk)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if written.Load() >= hugeLimit {
		return fmt.Errorf("the sender read all %d bytes", written.Load())
	}
	if e.StatusDecides {
		return r.err
	}
	return e.mayHaveSent(r.err)
}

func redirect(e *env) error {
	var strayed atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		strayed.Add(1)
		w.WriteHeader(http.StatusOK)
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		r, err := e.answered(func(w http.ResponseWriter, _ *http.Request, _ Received, _ []byte) {
			w.Header().Set("Location", other.URL+"/elsewhere")
			w.WriteHeader(status)
		})
		if strayed.Load() > 0 {
			return fmt.Errorf("a redirect with status %d was followed", status)
		}
		if err := errors.Join(err, wantOutcome(r.err, sms.Permanent, sms.Temporary, sms.Uncertain)); err != nil {
			return fmt.Errorf("status %d: %w", status, err)
		}
	}
	return nil
}

func echo(e *env) error {
	for _, status := range []int{400, 401, 403, 404, 429, 500, 503} {
		_, err := e.answered(func(w http.ResponseWriter, r *http.Request, got Received, body []byte) {
			all := fmt.Sprintf("%s %s %q %v %s", got.To, got.Text, got.Values, r.Header, canaryCode)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			// Under every name that a provider uses for its errors.
			_ = json.NewEncoder(w).Encode(map[string]any{
				"code": all, "Code": all, "message": all, "Message": all, "error_code": all, "error-text": all,
				"description": all, "errors": []map[string]string{{"code": all, "description": all}},
			})
		})
		if err != nil {
			return fmt.Errorf("status %d: %w", status, err)
		}
	}
	return nil
}
