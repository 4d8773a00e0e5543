package server

import (
	"os"
	"runtime/debug"

	"github.com/seed-16109ab2/rekey/identity"
)

// headroom is what the process takes besides the memory of its hashes: code,
// stacks, connections and the requests that wait. It is measured, with
// internal/measure/memory: with less the collector costs resets in a flood, with
// more it only lets garbage lie.
const headroom = 22 << 20

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
	c = c.WithDefaults()
	return int64(c.HashConcurrency)*int64(c.Hash.MemoryKiB)<<10 + headroom
}
