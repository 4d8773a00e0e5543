package main

import "testing"

// A small run; CONTRIBUTING.md says how to run the large one.
func TestDamage(t *testing.T) {
	t.Parallel()
	counts, err := run(t.Context(), 40)
	if err != nil || len(counts.moments) < 10 {
		t.Errorf("%v: %v", counts, err)
	}
	t.Log(counts)
}
