package main

import (
	"cmp"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/seed-16109ab2/rekey/identity"
)

// headroom is what the process takes besides the memory of its hashes: code,
// stacks, connections and the requests that wait. It is measured, with
// internal/measure/memory: with less the collector costs resets in a flood, with
// more it only lets garbage lie.
const headroom = 42 << 20

// limitMemory has the collector keep the process near what its hashes need. Left
// alone, Go lets garbage grow as large as what is live, and the live hashes are
// most of it. The limit is soft: beyond it the process grows, and spends at most
// half its time on collecting. GOMEMLIMIT in the environment wins.
func limitMemory(c identity.Config) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(c))
	}
}

// memoryLimit is in bytes.
func memoryLimit(c identity.Config) int64 {
	concurrency := cmp.Or(c.HashConcurrency, runtime.GOMAXPROCS(0))
	kib := cmp.Or(c.Hash.MemoryKiB, 19_456) // Config's default
	return int64(concurrency)*int64(kib)<<10 + headroom
}
