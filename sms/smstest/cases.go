package smstest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/seed-16109ab2/rekey/sms"
)

type testCase struct {
	name string
	why  string // what the rule is for
	how  string // what a sender does to keep it
	// check returns an error if the sender breaks the rule, or advice.
	check func(*env) error
}

// advice is what a sender should do better, although it keeps the rule.
type advice string

func (a advice) Error() string { return string(a) }

func cases() []testCase {
	return []testCase{
		{"accepted", "the outbox records which provider accepted a message, and the provider's id of it",
			"make one request, and return sms.Accepted with the provider's name and its id of the message", accepted},
		{"exact", "a changed character makes the code wrong or the text unreadable",
			"pass on Message.To and Message.Text, or each value of Message.Params, unchanged", exact},
		{"language", "templates exist in few languages, and people's settings name many",
			"fall back to a default for a language that is unknown or empty", language},
		{"refused", "a message that will never be accepted must not be tried until its code expires",
			"return an *sms.Error with Permanent when the provider refuses the message", refused},
		{"try later", "giving up after a temporary failure loses a code that a person waits for",
			"return an *sms.Error with Temporary when the provider says that it did not accept the message", tryLater},
		{"throttled", "trying again before the wait is over can get the account blocked",
			"return an *sms.Error with Temporary and the wait that the provider names in RetryAfter", throttled},
		{"timeout", "a worker must not wait for ever, and a blind repetition sends a second message",
			"bound each request by a time-out; after it the message may have been sent, so return Uncertain or a plain error", timedOut},
		{"cancelled", "a shutdown waits until each sender has returned",
			"make the request with ctx, and wrap its error; the message may have been sent, so return Uncertain or a plain error", cancelled},
		{"cancelled before", "no message may be sent after its lease has ended",
			"make the request with ctx, and wrap its error; no request was sent, so return Temporary", cancelledBefore},
		{"cut", "a connection lost after the request does not say whether the message was sent",
			"return Uncertain or a plain error; with an idempotency key, Repeatable", cut},
		{"connection refused", "no request was sent, so another try or another provider is harmless",
			"return Temporary when the connection could not be made", unreachable},
		{"server error", "a gateway may fail after the provider accepted the message",
			"return Uncertain or a plain error for a 500, 502 or 504; with an idempotency key, Repeatable", serverError},
		{"garbage", "a proxy's page is neither an acceptance nor a refusal",
			"accept a message only if the answer says so in the provider's own form; otherwise return Uncertain or a plain error", garbage},
		{"huge", "an endless answer must not fill memory or hold a worker",
			"read the answer through io.LimitReader", huge},
		{"redirect", "following a redirect sends the code to a host that is not configured",
			"set http.Client.CheckRedirect to return http.ErrUseLastResponse", redirect},
		{"echo", "providers repeat the number and the text in their errors, which are logged",
			"build errors from fixed words, the status and the provider's error code, never from its texts or the URL", echo},
		{"same id", "the idempotency key makes a repetition harmless",
			"derive the key only from Message.ID", sameID},
		{"concurrent", "the outbox sends many messages at the same time, and one person's code must not reach another person",
			"keep nothing of a message in the sender", concurrent},
	}
}

func (e *env) play(b Behaviour) func(http.ResponseWriter, *http.Request, Received, []byte) {
	return func(w http.ResponseWriter, _ *http.Request, got Received, _ []byte) { e.Answer(b, w, got) }
}

func accepted(e *env) error {
	r, err := e.answered(e.play(Accept))
	if err = errors.Join(err, r.err); err != nil {
		return err
	}
	if r.accepted.Provider != e.Provider {
		return fmt.Errorf("provider %q, want %q", r.accepted.Provider, e.Provider)
	}
	if e.HasRef && r.accepted.Ref == "" {
		return errors.New("accepted without the provider's id")
	}
	if n := len(e.reads); n != 1 {
		return fmt.Errorf("%d requests for one message", n)
	}
	return nil
}

func exact(e *env) error {
	url, done := e.serve(e.play(Accept))
	defer done()
	s, err := e.sender(url, e.patience)
	if err != nil {
		return err
	}
	for i, kind := range e.kinds() {
		m := e.message(i, kind)
		if r := e.send(context.Background(), s, m); r.err != nil {
			return fmt.Errorf("%s: %w", kind, r.err)
		}
		got, err := e.received()
		if err != nil {
			return err
		}
		if err := sameMessage(got[len(got)-1], m); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func sameMessage(got Received, m sms.Message) error {
	if got.To != m.To {
		return fmt.Errorf("went to %q, want %q", got.To, m.To)
	}
	if got.Values == nil {
		if got.Text != m.Text {
			return fmt.Errorf("text arrived as %q, want %q", got.Text, m.Text)
		}
		return nil
	}
	key := "code"
	if m.Kind != sms.KindVerifyCode {
		key = "time"
	}
	if !slices.Contains(got.Values, m.Params[key]) {
		return fmt.Errorf("template values %q lack the %s %q", got.Values, key, m.Params[key])
	}
	return nil
}

func language(e *env) error {
	url, done := e.serve(e.play(Accept))
	defer done()
	s, err := e.sender(url, e.patience)
	if err != nil {
		return err
	}
	for i, lang := range []string{"en", "en-GB", "zh-Hant-TW", "xx", ""} {
		m := e.message(i, sms.KindVerifyCode)
		m.Language = lang
		if r := e.send(context.Background(), s, m); r.err != nil {
			return fmt.Errorf("language %q: %w", lang, r.err)
		}
	}
	_, err = e.received()
	return err
}

func refused(e *env) error {
	r, err := e.answered(e.play(Refuse))
	return errors.Join(err, wantOutcome(r.err, sms.Permanent))
}

func tryLater(e *env) error {
	r, err := e.answered(e.play(TryLater))
	return errors.Join(err, wantOutcome(r.err, sms.Temporary))
}

func throttled(e *env) error {
	r, err := e.answered(e.play(Throttled))
	if err = errors.Join(err, wantOutcome(r.err, sms.Temporary)); err != nil {
		return err
	}
	if got := sms.ErrorOf(r.err).RetryAfter; got != e.RetryAfter {
		return fmt.Errorf("RetryAfter %v, want %v", got, e.RetryAfter)
	}
	return nil
}

func sameID(e *env) error {
	if !e.Idempotent {
		return nil
	}
	url, done := e.serve(e.play(Accept))
	defer done()
	s, err := e.sender(url, e.patience)
	if err != nil {
		return err
	}
	for _, n := range []int{1, 1, 2} {
		if r := e.send(context.Background(), s, e.message(n, sms.KindVerifyCode)); r.err != nil {
			return r.err
		}
	}
	got, err := e.received()
	if err != nil {
		return err
	}
	switch {
	case len(got) != 3:
		return fmt.Errorf("%d requests for three sends", len(got))
	case got[0].IdempotencyKey == "":
		return errors.New("no idempotency key arrived")
	case got[0].IdempotencyKey != got[1].IdempotencyKey:
		return errors.New("two sends of one message have different keys")
	case got[0].IdempotencyKey == got[2].IdempotencyKey:
		return errors.New("two messages have the same key")
	}
	return nil
}

func concurrent(e *env) error {
	const n = 24
	url, done := e.serve(e.play(Accept))
	defer done()
	s, err := e.sender(url, e.patience)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, n)
	want := map[string]string{}
	for i := range n {
		m := e.message(i, sms.KindVerifyCode)
		m.To = fmt.Sprintf("+861391234%04d", i)
		m.Params["code"] = fmt.Sprintf("77%04d", i)
		m.Text = "code " + m.Params["code"]
		want[m.To] = m.Params["code"]
		wg.Go(func() { errs[i] = e.send(context.Background(), s, m).err })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	got, err := e.received()
	if err != nil {
		return err
	}
	for _, r := range got {
		code, ok := want[r.To]
		if !ok {
			return fmt.Errorf("%s got a message twice or never asked for one", r.To)
		}
		delete(want, r.To)
		if r.Values == nil && r.Text != "code "+code || r.Values != nil && !slices.Contains(r.Values, code) {
			return fmt.Errorf("%s got another person's code", r.To)
		}
	}
	if len(want) > 0 {
		return fmt.Errorf("%d of %d messages did not arrive", len(want), n)
	}
	return nil
}
