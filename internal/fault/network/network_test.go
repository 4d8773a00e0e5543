package main

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/servers"
)

// These are small runs. CONTRIBUTING.md describes the large runs.
func TestNetwork(t *testing.T) {
	for _, engine := range []string{"postgres", "mysql"} {
		t.Run(engine+" cuts", func(t *testing.T) {
			counts, err := cuts(t.Context(), engine, 3*time.Second)
			if errors.Is(err, databases.ErrNoServer) {
				t.Skip(err)
			}
			if err != nil || counts.faults == 0 {
				t.Errorf("%v: %v", counts, err)
			}
			t.Log(counts)
		})
		t.Run(engine+" crashes", func(t *testing.T) {
			counts, err := crashes(t.Context(), engine, 3*time.Second)
			if errors.Is(err, servers.ErrNoProgram) {
				t.Skip(err)
			}
			if err != nil || counts.faults == 0 {
				t.Errorf("%v: %v", counts, err)
			}
			t.Log(counts)
		})
	}
}
