package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

// work tries used codes again, and then makes resets until the machine is lost.
func (w *world) work(ctx context.Context, p *person) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for n := 1; ctx.Err() == nil; n++ {
		if !w.replay(ctx, client, p) || !w.reset(ctx, client, p, n) {
			select { // the server may be about to restart
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

func (w *world) replay(ctx context.Context, client *http.Client, p *person) bool {
	for len(p.used) > 0 {
		status, err := w.post(ctx, client, workload.ResetPath, map[string]string{"mobile": p.number, "verify_code": p.used[0], "password": "granite-Willow-58"})
		if err != nil {
			return false
		}
		p.used = p.used[1:]
		w.count(&w.counts.replays)
		if status == http.StatusOK {
			w.count(&w.counts.revived)
		}
	}
	return true
}

func (w *world) reset(ctx context.Context, client *http.Client, p *person, n int) bool {
	inbox := w.machine.inbox(p.number)
	for len(inbox) > 0 {
		<-inbox
	}
	status, err := w.post(ctx, client, workload.SendPath, map[string]string{"mobile": p.number, "type": string(identity.PurposeForgotPassword)})
	if err != nil || status != http.StatusOK {
		return false
	}
	var r reset
	select {
	case r.code = <-inbox:
	case <-ctx.Done():
		return false
	case <-time.After(10 * time.Second): // the server was restarted
		return false
	}
	r.password = fmt.Sprintf("violet-Harbor-%d-%d", n, rand.Uint32())
	status, err = w.post(ctx, client, workload.ResetPath, map[string]string{"mobile": p.number, "verify_code": r.code, "password": r.password})
	switch {
	case err != nil:
		p.resets = append(p.resets, r) // may be done
	case status == http.StatusOK:
		r.at = time.Now()
		p.resets = append(p.resets, r)
		w.count(&w.counts.resets)
	}
	return err == nil
}

func (w *world) post(ctx context.Context, client *http.Client, path string, fields map[string]string) (int, error) {
	w.machine.mu.Lock()
	base := w.machine.base
	w.machine.mu.Unlock()
	status, err := workload.Post(ctx, client, base+path, fields)
	if err == nil && status != http.StatusOK {
		w.refusal.Store(int64(status))
	}
	return status, err
}
