package identity_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"regexp"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// RFC 9562, appendix A.6, gives 017F22E2-79B0-7CC3-98C4-DC0C0C07398F. The twelve bits
// after the version are random there, and a fraction of the millisecond here.
func TestPublishedUUID(t *testing.T) {
	t.Parallel()
	next := identity.NewUUIDs(bytes.NewReader([]byte{0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f}))
	got, err := next(time.UnixMilli(0x017F22E279B0))
	if want := "017f22e2-79b0-7000-98c4-dc0c0c07398f"; got != want || err != nil {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestIDsSortAndDiffer(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	next := identity.NewUUIDs(rand.Reader)
	now := time.Now()
	before := ""
	for i := range 10_000 {
		at := now
		if i%3 == 0 {
			at = now.Add(-time.Duration(i) * time.Millisecond) // the clock steps back
		}
		id, err := next(at)
		if err != nil || id <= before || !form.MatchString(id) {
			t.Fatalf("%s after %s, %v", id, before, err)
		}
		before = id
	}
}

func TestUUIDWithoutRandomness(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	next := identity.NewUUIDs(iotest.ErrReader(broken))
	if id, err := next(time.Now()); !errors.Is(err, broken) || id != "" {
		t.Errorf("%q, %v", id, err)
	}
}
