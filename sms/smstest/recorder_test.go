package smstest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

func TestRecorderNextIsPerNumberAndInOrder(t *testing.T) {
	t.Parallel()
	var r smstest.Recorder
	for _, m := range []sms.Message{{ID: "1", To: "+1"}, {ID: "2", To: "+2"}, {ID: "3", To: "+1"}} {
		if _, err := r.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []struct{ to, id string }{{"+1", "1"}, {"+1", "3"}, {"+2", "2"}} {
		m, err := r.Next(t.Context(), want.to)
		if err != nil || m.ID != want.id {
			t.Fatalf("Next(%s) = %v, %v; want message %s", want.to, m, err, want.id)
		}
	}
	if n := len(r.All()); n != 3 {
		t.Errorf("All has %d messages after Next took them, want 3", n)
	}
}

func TestRecorderNextWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r smstest.Recorder
		go func() {
			time.Sleep(time.Hour)
			_, _ = r.Send(t.Context(), sms.Message{ID: "other", To: "+2"})
			time.Sleep(time.Hour)
			_, _ = r.Send(t.Context(), sms.Message{ID: "mine", To: "+1"})
		}()
		m, err := r.Next(t.Context(), "+1")
		if err != nil || m.ID != "mine" {
			t.Fatalf("Next = %v, %v", m, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.Next(ctx, "+1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next without a message = %v, want the deadline", err)
		}
	})
}

func TestRecorderFailNext(t *testing.T) {
	t.Parallel()
	var r smstest.Recorder
	first, second := errors.New("first"), &sms.Error{Outcome: sms.Permanent}
	r.FailNext(0, first)
	r.FailNext(2, first)
	r.FailNext(1, second)
	for i, want := range []error{first, first, second, nil} {
		if _, err := r.Send(t.Context(), sms.Message{To: "+1"}); !errors.Is(err, want) {
			t.Fatalf("send %d = %v, want %v", i, err, want)
		}
	}
	if r.Attempts() != 4 || len(r.All()) != 1 {
		t.Errorf("%d attempts, %d recorded; want 4 and 1", r.Attempts(), len(r.All()))
	}
	r.FailNext(-1, nil)
	for range 5 {
		if _, err := r.Send(t.Context(), sms.Message{To: "+1"}); err == nil {
			t.Fatal("FailNext(-1) ran out")
		}
	}
	r.Reset()
	if _, err := r.Send(t.Context(), sms.Message{To: "+1"}); err != nil || r.Attempts() != 1 {
		t.Errorf("after Reset: %v, %d attempts", err, r.Attempts())
	}
}

func TestRecorderKeepsCopies(t *testing.T) {
	t.Parallel()
	var r smstest.Recorder
	m := sms.Message{To: "+1", Params: map[string]string{"code": "1"}}
	if _, err := r.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	m.Params["code"] = "2"
	r.All()[0].Params["code"] = "3"
	if got := r.All()[0].Params["code"]; got != "1" {
		t.Errorf("recorded code is %s, want 1", got)
	}
}

func TestRecorderConcurrentNextGivesEachMessageOnce(t *testing.T) {
	t.Parallel()
	var r smstest.Recorder
	const n = 50
	ids := make(chan string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			m, err := r.Next(t.Context(), "+1")
			if err != nil {
				t.Error(err)
			}
			ids <- m.ID
		})
		wg.Go(func() { _, _ = r.Send(t.Context(), sms.Message{ID: string(rune('a' + i)), To: "+1"}) })
	}
	wg.Wait()
	close(ids)
	seen := map[string]bool{}
	for id := range ids {
		if seen[id] {
			t.Errorf("message %s handed out twice", id)
		}
		seen[id] = true
	}
}
