package challenges_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/challenges"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// One customer of a network operator counts as one caller: neither the 65,536 networks
// of an IPv6 /48 nor the addresses of an IPv4 /24 have separate budgets.
func TestOneNetworkIsOneCaller(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		address func(i int) string
		want    int // of 1,000 requests
	}{
		"one IPv4 address":      {func(int) string { return "192.0.2.1" }, 10},
		"the same, mapped":      {func(i int) string { return []string{"192.0.2.1", "::ffff:192.0.2.1"}[i%2] }, 10},
		"an IPv4 /24":           {func(i int) string { return fmt.Sprintf("192.0.2.%d", i%256) }, 40},
		"one IPv6 /64":          {func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, 10},
		"an IPv6 /56":           {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i%256) }, 20},
		"an IPv6 /48":           {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i*61) }, 40},
		"a thousand IPv6 /48":   {func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) }, 1000},
		"a thousand IPv4 nets":  {func(i int) string { return fmt.Sprintf("10.%d.%d.1", i/250, i%250) }, 1000},
		"zones of one neighbor": {func(i int) string { return fmt.Sprintf("fe80::1%%eth%d", i) }, 10},
	} {
		counter, now, admitted := memory.New(), time.Now(), 0
		for i := range 1000 {
			err := challenges.Admit(t.Context(), counter, []limit.Rate{{Limit: 10, Per: time.Hour}}, netip.MustParseAddr(c.address(i)), now)
			if _, limited := errors.AsType[*identity.RateLimitedError](err); err != nil && !limited {
				t.Fatal(err)
			}
			if err == nil {
				admitted++
			}
		}
		if admitted != c.want {
			t.Errorf("%s: %d challenges, want %d", name, admitted, c.want)
		}
	}
}
