package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/console"
)

func Example() {
	s := console.New(os.Stdout)
	_, _ = s.Send(context.Background(), sms.Message{
		ID: "m1", To: "+8612345678901", Kind: sms.KindVerifyCode, Purpose: "FORGET_PWD_SMS",
		Language: "en", Text: "Your code is 123456.", ExpiresAt: time.Date(2026, 2, 3, 4, 5, 0, 0, time.UTC),
	})
	// Output:
	// SMS to +8612345678901 (verify_code, FORGET_PWD_SMS, language en, id m1, of use until 2026-02-03T04:05:00Z)
	//   | Your code is 123456.
}

func TestShowsWhatDoesNotPrint(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	_, err := console.New(&b).Send(t.Context(), sms.Message{
		To: "+1", Kind: "k", Tenant: "a\nSMS to +2", Text: "验证码 é\x1b[2J\u202eb\r\\n\xff\nSMS to +3 (x)",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "SMS to +1 (k, tenant a\\nSMS to +2)\n  | 验证码 é\\x1b[2J\\u202eb\\r\\\\n\\xff\n  | SMS to +3 (x)\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// writes records each call of Write. It has no lock, so the race detector finds calls
// that overlap.
type writes struct{ calls []string }

func (w *writes) Write(p []byte) (int, error) {
	w.calls = append(w.calls, string(p))
	return len(p), nil
}

func TestOneWritePerMessage(t *testing.T) {
	t.Parallel()
	var w writes
	s := console.New(&w)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			r, err := s.Send(t.Context(), sms.Message{ID: fmt.Sprint(i), To: "+1", Text: "a\nb"})
			if err != nil || r.Provider != console.Provider || r.Ref != fmt.Sprint(i) {
				t.Errorf("receipt %+v, error %v", r, err)
			}
		})
	}
	wg.Wait()
	if len(w.calls) != 50 {
		t.Fatalf("%d writes for 50 messages", len(w.calls))
	}
	for _, c := range w.calls {
		if strings.Count(c, "\n") != 3 || !strings.HasSuffix(c, "  | a\n  | b\n") {
			t.Errorf("one write holds %q", c)
		}
	}
}

type brokenWriter struct {
	n   int
	err error
}

func (w brokenWriter) Write([]byte) (int, error) { return w.n, w.err }

func TestFailures(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	for name, tt := range map[string]struct {
		w    io.Writer
		want error
	}{
		"failed": {brokenWriter{0, full}, full},
		"short":  {brokenWriter{1, nil}, io.ErrShortWrite},
	} {
		_, err := console.New(tt.w).Send(t.Context(), sms.Message{To: "+8613912345678", Text: "code 123456"})
		se, ok := errors.AsType[*sms.Error](err)
		if !ok || se.Outcome != sms.Temporary || !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type blockedWriter struct{ entered, release chan struct{} }

func (w blockedWriter) Write(p []byte) (int, error) {
	close(w.entered)
	<-w.release
	return len(p), nil
}

func TestCancelledWhileAnotherWrites(t *testing.T) {
	t.Parallel()
	w := blockedWriter{make(chan struct{}), make(chan struct{})}
	s := console.New(w)
	first := make(chan error)
	go func() { _, err := s.Send(context.Background(), sms.Message{}); first <- err }()
	<-w.entered
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error)
	go func() { _, err := s.Send(ctx, sms.Message{}); second <- err }()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("waiting send = %v, want context.Canceled", err)
	}
	close(w.release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := s.Send(ctx, sms.Message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("send after cancellation = %v", err)
	}
}

func TestNilWriterPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("New(nil) did not panic")
		}
	}()
	console.New(nil)
}

func FuzzOutputIsPrintable(f *testing.F) {
	for _, s := range []string{"", "a\nb", "\x1b[31m", "\u202e", "\xff", "\\x1b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if _, err := console.New(&b).Send(t.Context(), sms.Message{To: s, Tenant: s, ID: s, Text: s}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if want := 2 + strings.Count(s, "\n"); len(lines) != want {
			t.Errorf("%q became %d lines, want %d", s, len(lines), want)
		}
		for i, line := range lines {
			if i > 0 && !strings.HasPrefix(line, "  | ") {
				t.Errorf("%q makes an additional line: %q", s, line)
			}
			for _, r := range line {
				if !strconv.IsPrint(r) {
					t.Errorf("%q shows %q", s, r)
				}
			}
		}
	})
}
