package main

import "testing"

// This is a small run. CONTRIBUTING.md describes the large run.
func TestDamage(t *testing.T) {
	t.Parallel()
	counts, err := run(t.Context(), 40)
	if err != nil || len(counts.moments) < 10 {
		t.Errorf("%v: %v", counts, err)
	}
	t.Log(counts)
}
