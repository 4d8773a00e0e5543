package main

import (
	"errors"
	"io"
	"testing"

	"github.com/seed-16109ab2/rekey/internal/lab/databases"
)

// This is a small run. CONTRIBUTING.md describes the large run.
func TestKill(t *testing.T) {
	for _, engine := range databases.Engines {
		t.Run(engine, func(t *testing.T) {
			counts, err := run(t.Context(), engine, 5, io.Discard)
			if errors.Is(err, databases.ErrNoServer) {
				t.Skip(err)
			}
			if err != nil || counts.kills != 5 || counts.sends == 0 {
				t.Errorf("%v: %v", counts, err)
			}
			t.Log(counts)
		})
	}
}
