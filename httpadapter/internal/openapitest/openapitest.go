// Package openapitest holds the answers that the tests of a package see against the
// answers that its OpenAPI document lists, both ways.
package openapitest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
)

// Answers is a set of answers, each a text such as "/path 400 SDK.SMS.1005". The zero
// value is empty. It is safe for concurrent use.
type Answers struct {
	mu   sync.Mutex
	seen map[string]bool
}

// Add adds the answer whose parts are separated by spaces.
func (a *Answers) Add(parts ...any) {
	text := fmt.Sprintln(parts...)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen == nil {
		a.seen = map[string]bool{}
	}
	a.seen[text[:len(text)-1]] = true
}

// Main runs the tests of a package and ends the process. After a run of all tests that
// passed, it fails if a documented answer was not seen, or if an answer that the document
// concerns was seen and is not documented.
func Main(m *testing.M, a *Answers, documented func() map[string]bool, concerns func(answer string) bool) {
	status := m.Run()
	whole := true // a run of only some tests produces only some answers
	for _, name := range []string{"test.run", "test.skip", "test.fuzz", "test.list"} {
		whole = whole && flag.Lookup(name).Value.String() == ""
	}
	if whole && status == 0 {
		a.mu.Lock()
		faults := Compare(documented(), a.seen, concerns)
		a.mu.Unlock()
		for _, fault := range faults {
			fmt.Println("openapi.json:", fault)
			status = 1
		}
	}
	os.Exit(status)
}

// Compare returns a sentence for each documented answer that was not seen, and for each
// answer that the document concerns, was seen, and is not documented.
func Compare(documented, seen map[string]bool, concerns func(answer string) bool) (faults []string) {
	for _, answer := range slices.Sorted(maps.Keys(documented)) {
		if !seen[answer] {
			faults = append(faults, answer+" is documented, but no test produces it")
		}
	}
	for _, answer := range slices.Sorted(maps.Keys(seen)) {
		if concerns(answer) && !documented[answer] {
			faults = append(faults, answer+" is produced, but not documented")
		}
	}
	return faults
}
