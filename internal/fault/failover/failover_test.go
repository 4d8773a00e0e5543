package main

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/servers"
)

// These are small runs. CONTRIBUTING.md describes the large runs.
func TestFailover(t *testing.T) {
	for _, engine := range []string{"postgres", "galera"} {
		t.Run(engine, func(t *testing.T) {
			c, err := start(t.Context(), engine)
			if errors.Is(err, servers.ErrNoProgram) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			counts, err := run(t.Context(), engine, c, 2)
			if err != nil || counts.resets == 0 || counts.replays == 0 || counts.refused == 0 || counts.notices == 0 {
				t.Errorf("%v: %v", counts, err)
			}
			t.Log(counts)
		})
	}
}

// If the standby is behind, acknowledged changes are lost, and the program finds that.
func TestStandbyThatIsBehindIsFound(t *testing.T) {
	c, err := newPair(t.Context(), 2*time.Second)
	if errors.Is(err, servers.ErrNoProgram) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	counts, err := run(t.Context(), "postgres", c, 1)
	if err == nil || counts.lost == 0 || counts.forgotten == 0 {
		t.Errorf("not found: %v: %v", counts, err)
	}
	t.Log(counts)
}
