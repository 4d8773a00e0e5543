package passhash_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

// A process with a memory limit never holds the memory of more than one hash that has
// ended. Go's own collector is off here. Not parallel: the limit is the process's.
func TestEndedHashesLeaveRoom(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(4 << 30))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	const size = 19456 << 10
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	h := passhash.NewHasher(passhash.Params{MemoryKiB: size >> 10, Iterations: 2, Parallelism: 1})
	for range 6 {
		if _, err := h.Create("copper-Lantern-47"); err != nil {
			t.Fatal(err)
		}
		if grown := heap() - before; grown > 2*size {
			t.Fatalf("the heap grew by %d MiB, %d MiB for each hash", grown>>20, size>>20)
		}
	}
}
