package server

import (
	"os"
	"runtime/debug"

	"github.com/seed-16109ab2/rekey/identity"
)

// headroom is the memory of the process besides its hashes: code, stacks, connections
// and the requests that wait. internal/measure/memory measured it with 200 resets at the
// same time: 22 MiB gives a peak of 86 MiB and 51 resets a second, 32 MiB gives 92 MiB
// and 59. With less, garbage collection slows resets; with more, only garbage grows.
const headroom = 32 << 20

// limitMemory makes the garbage collector keep the process near the memory that its
// hashes need. Without a limit, Go lets garbage grow as large as the live memory, most
// of which is hashes. The limit is soft: beyond it the process grows, and spends at most
// half its time on collecting. GOMEMLIMIT in the environment takes precedence.
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
