package attack_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// One guess each at 10,000 numbers, from as many addresses and devices, with the
// limits that hold by default: no limit of a number, address or device notices.
// The alarm does at 1,000, and the breaker lets not one more through.
func TestOneGuessEachAtTenThousandNumbers(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t)
	guess := func(i int) error {
		c := f.Caller()
		c.Device = fmt.Sprintf("device-%d", i)
		c.Address = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		return f.ResetByMobile(t.Context(), identity.ResetRequest{
			Caller: c, Mobile: fmt.Sprintf("138%08d", i), Code: identity.NewSecret("123456"), Password: identity.NewSecret("violet-Harbor-93"),
		})
	}
	const workers, each = 50, 210 // 500 more than the breaker lets through
	refused, limited := make([]int, workers), make([]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				err := guess(w*each + i)
				if errors.Is(err, identity.ErrCodeRefused) {
					refused[w]++
				} else if _, ok := errors.AsType[*identity.RateLimitedError](err); ok {
					limited[w]++
				} else {
					t.Errorf("guess %d: %v", w*each+i, err)
				}
			}
		})
	}
	wg.Wait()
	sum := func(counts []int) (n int) {
		for _, c := range counts {
			n += c
		}
		return n
	}
	if sum(refused) != 10_000 || sum(limited) != 500 {
		t.Errorf("%d guesses were compared and %d stopped, want 10000 and 500", sum(refused), sum(limited))
	}
	alarms := 0
	for after := ""; ; {
		page, err := f.Events(t.Context(), identity.EventQuery{AfterID: after, Max: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if e.Type == identity.EventAlarm && e.Outcome == "fail.all" {
				alarms++
			}
		}
		after = page[len(page)-1].ID
	}
	if alarms != 1 {
		t.Errorf("%d alarms, want 1", alarms)
	}
}
