package smstest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

const key = "key-a9d1f0"

// defects are what a sender can do wrong. The zero value has none.
type defects struct {
	wrongProvider, noRef, dropsText, mergesLines, failsOnLanguage bool
	allTemporary, allPermanent, plainErrors, ignoresRetryAfter    bool
	ignoresTimeout, ignoresCtx, sendsWhenCancelled, hidesCtx      bool
	alwaysUncertain, neverUncertain, neverRepeatable, refuses5xx  bool
	trustsStatus, readsAll, followsRedirects, echoes, showsKey    bool
	freshIDs, mixesUp, sendsTwice                                 bool
}

type sender struct {
	url        string
	timeout    time.Duration
	idempotent bool
	d          defects

	mu   sync.Mutex
	last sms.Message
}

type wire struct{ ID, To, Text string }

var fresh atomic.Int64

func (s *sender) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	d := s.d
	if d.mixesUp { // the sender sends the previous message's text
		s.mu.Lock()
		if s.last.Text != "" {
			s.last.Text, m.Text = m.Text, s.last.Text
		} else {
			s.last = m
		}
		s.mu.Unlock()
	}
	w := wire{m.ID, m.To, m.Text}
	if d.dropsText {
		w.Text = ""
	}
	if d.mergesLines {
		w.Text = string(bytes.ReplaceAll([]byte(w.Text), []byte("\n"), []byte(" ")))
	}
	if d.freshIDs {
		w.ID = strconv.FormatInt(fresh.Add(1), 10)
	}
	if d.failsOnLanguage && m.Language != "en" {
		return sms.Accepted{}, errors.New("no template")
	}
	if d.ignoresCtx || d.sendsWhenCancelled && ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	if !d.ignoresTimeout {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	if err := ctx.Err(); err != nil {
		return sms.Accepted{}, &sms.Error{Outcome: sms.Temporary, Err: err}
	}
	n := 1
	if d.sendsTwice {
		n = 2
	}
	var r sms.Accepted
	var err error
	for range n {
		r, err = s.exchange(ctx, w)
	}
	return r, s.spoil(err, m)
}

func (s *sender) exchange(ctx context.Context, w wire) (sms.Accepted, error) {
	body, err := json.Marshal(w)
	if err != nil {
		return sms.Accepted{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return sms.Accepted{}, err
	}
	req.Header.Set("Authorization", key)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // the default one's connections end with any test's server
	if !s.d.followsRedirects {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	unknown := sms.Uncertain
	if s.idempotent {
		unknown = sms.Repeatable
	}
	resp, err := c.Do(req)
	if err != nil {
		if oe, ok := errors.AsType[*net.OpError](err); ok && oe.Op == "dial" {
			unknown = sms.Temporary
		}
		return sms.Accepted{}, &sms.Error{Outcome: unknown, Err: errors.Join(errors.New("network"), ctx.Err())}
	}
	defer func() { _ = resp.Body.Close() }()
	limit := int64(64 << 10)
	if s.d.readsAll {
		limit = 1 << 40
	}
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, limit))
	fail := func(o sms.Outcome, wait time.Duration) error {
		err := fmt.Errorf("status %d", resp.StatusCode)
		if s.d.echoes {
			err = fmt.Errorf("status %d: %s", resp.StatusCode, answer)
		}
		return &sms.Error{Outcome: o, RetryAfter: wait, Err: err}
	}
	switch {
	case resp.StatusCode == 429 || resp.StatusCode == 503:
		wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return sms.Accepted{}, fail(sms.Temporary, time.Duration(wait)*time.Second)
	case resp.StatusCode >= 500:
		if s.d.refuses5xx {
			unknown = sms.Permanent
		}
		return sms.Accepted{}, fail(unknown, 0)
	case resp.StatusCode >= 300:
		return sms.Accepted{}, fail(sms.Permanent, 0)
	}
	var ok struct{ Ref string }
	if err := json.Unmarshal(answer, &ok); (err != nil || ok.Ref == "") && !s.d.trustsStatus {
		return sms.Accepted{}, fail(unknown, 0)
	}
	r := sms.Accepted{Provider: "reference", Ref: ok.Ref}
	if s.d.wrongProvider {
		r.Provider = ""
	}
	if s.d.noRef {
		r.Ref = ""
	}
	return r, nil
}

// spoil applies the defects that only concern errors.
func (s *sender) spoil(err error, m sms.Message) error {
	se, ok := errors.AsType[*sms.Error](err)
	if !ok {
		return err
	}
	d := s.d
	switch {
	case d.plainErrors:
		return errors.New("failed")
	case d.hidesCtx:
		se.Err = errors.New("failed")
	case d.showsKey:
		se.Err = fmt.Errorf("with key %s: %w", key, se.Err)
	}
	if d.echoes {
		se.Err = fmt.Errorf("to %s: %w", m.To, se.Err)
	}
	switch {
	case d.allTemporary, d.neverUncertain && se.Outcome == sms.Uncertain, d.neverRepeatable && se.Outcome == sms.Repeatable:
		se.Outcome = sms.Temporary
	case d.allPermanent:
		se.Outcome = sms.Permanent
	case d.alwaysUncertain:
		se.Outcome = sms.Uncertain
	}
	if d.ignoresRetryAfter {
		se.RetryAfter = 0
	}
	return se
}

func fixture(d defects, idempotent bool) smstest.Fixture {
	var refs atomic.Int64
	return smstest.Fixture{
		Provider:   "reference",
		Idempotent: idempotent,
		HasRef:     true,
		RetryAfter: 7 * time.Second,
		Secrets:    []string{key},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			return &sender{url: url, timeout: timeout, idempotent: idempotent, d: d}, nil
		},
		Read: func(r *http.Request, body []byte) (smstest.Received, error) {
			if r.Header.Get("Authorization") != key {
				return smstest.Received{}, errors.New("no key")
			}
			var w wire
			err := json.Unmarshal(body, &w)
			return smstest.Received{To: w.To, Text: w.Text, IdempotencyKey: w.ID}, err
		},
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				_, _ = fmt.Fprintf(w, `{"Ref":"ref-%d"}`, refs.Add(1))
			case smstest.Refuse:
				w.WriteHeader(http.StatusBadRequest)
			case smstest.TryLater:
				w.WriteHeader(http.StatusServiceUnavailable)
			case smstest.Throttled:
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		},
	}
}

func TestRunPassesForCorrectSenders(t *testing.T) {
	t.Parallel()
	t.Run("idempotent", func(t *testing.T) {
		t.Parallel()
		smstest.Run(t, fixture(defects{}, true))
	})
	t.Run("not idempotent", func(t *testing.T) {
		t.Parallel()
		smstest.Run(t, fixture(defects{}, false))
	})
}

// Each rule of the suite is tested by a sender that breaks it and must fail.
func TestCheckFindsDefects(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the suite runs for each defect: run it without -short")
	}
	for name, tt := range map[string]struct {
		d          defects
		idempotent bool
		want       string // the case that must fail
	}{
		"wrong provider":       {defects{wrongProvider: true}, true, "accepted"},
		"no ref":               {defects{noRef: true}, true, "accepted"},
		"sends twice":          {defects{sendsTwice: true}, true, "accepted"},
		"drops text":           {defects{dropsText: true}, true, "exact"},
		"merges lines":         {defects{mergesLines: true}, true, "exact"},
		"one language only":    {defects{failsOnLanguage: true}, true, "language"},
		"retries refusals":     {defects{allTemporary: true}, true, "refused"},
		"plain errors":         {defects{plainErrors: true}, true, "refused"},
		"gives up":             {defects{allPermanent: true}, true, "try later"},
		"ignores Retry-After":  {defects{ignoresRetryAfter: true}, true, "throttled"},
		"ignores time-out":     {defects{ignoresTimeout: true}, true, "timeout"},
		"ignores ctx":          {defects{ignoresCtx: true, ignoresTimeout: true}, true, "cancelled"},
		"hides ctx":            {defects{hidesCtx: true}, true, "cancelled"},
		"sends when cancelled": {defects{sendsWhenCancelled: true}, true, "cancelled before"},
		"repeats blindly":      {defects{neverUncertain: true}, false, "cut"},
		"repeats elsewhere":    {defects{neverRepeatable: true}, true, "cut"}, // another provider would send a second message
		"repeats after 502":    {defects{neverUncertain: true}, false, "server error"},
		"too careful":          {defects{alwaysUncertain: true}, false, "connection refused"},
		"502 is final":         {defects{refuses5xx: true}, true, "server error"},
		"trusts any 200":       {defects{trustsStatus: true}, false, "garbage"},
		"reads everything":     {defects{readsAll: true}, true, "huge"},
		"follows redirects":    {defects{followsRedirects: true}, true, "redirect"},
		"repeats the answer":   {defects{echoes: true}, true, "echo"},
		"shows its key":        {defects{showsKey: true}, true, "refused"},
		"new id each time":     {defects{freshIDs: true}, true, "same id"},
		"mixes messages up":    {defects{mixesUp: true}, true, "concurrent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patience := 30 * time.Second
			if tt.d.ignoresTimeout {
				patience = 500 * time.Millisecond // it never returns
			}
			if err := smstest.CheckCase(fixture(tt.d, tt.idempotent), tt.want, patience, patience/2); err == nil {
				t.Errorf("case %q passed", tt.want)
			}
		})
	}
}

func TestCheckReportsUnreadableRequests(t *testing.T) {
	t.Parallel()
	f := fixture(defects{}, true)
	f.Read = func(*http.Request, []byte) (smstest.Received, error) {
		return smstest.Received{}, errors.New("signature wrong")
	}
	if err := smstest.CheckCase(f, "accepted", time.Minute, time.Minute); err == nil {
		t.Error("a sender whose requests cannot be verified passed")
	}
}
