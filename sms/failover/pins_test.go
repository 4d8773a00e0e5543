package failover

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
)

// During a long outage memory stays bounded, and expired messages are forgotten first.
func TestPinsAreBounded(t *testing.T) {
	t.Parallel()
	var s pins
	p := &provider{}
	over, alive := time.Now().Add(-time.Second), time.Now().Add(time.Hour)
	for i := range maxPins - 1 {
		s.add(sms.Message{ID: fmt.Sprint("over", i), ExpiresAt: over}, p)
	}
	for _, id := range []string{"alive", "one more"} {
		s.add(sms.Message{ID: id, ExpiresAt: alive}, p)
	}
	if n := len(s.byID); n != 2 || s.of("alive") != p || s.of("one more") != p {
		t.Errorf("%d pins are left, want the two that live", n)
	}
	for i := range 2 * maxPins {
		s.add(sms.Message{ID: fmt.Sprint("alive", i), ExpiresAt: alive}, p)
	}
	if n := len(s.byID); n > maxPins {
		t.Errorf("%d pins are kept, want at most %d", n, maxPins)
	}
}
