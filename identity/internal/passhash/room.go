package passhash

import (
	"math"
	"runtime"
	"runtime/debug"
	"sync"
)

// room counts the memory of the hashes that are being computed.
var room struct {
	sync.Mutex
	taken uint64 // bytes
}

// takeRoom is called before a hash takes its memory, and the returned function after.
//
// In a process with a memory limit ([debug.SetMemoryLimit], GOMEMLIMIT), takeRoom
// collects garbage first if the heap may hold the memory of a hash that has ended. Go
// itself begins to collect only once the next hash has taken its memory. Then there is
// the memory of one hash too many, and a process at its limit collects several times for
// each hash.
func takeRoom(p Params) (leave func()) {
	size := uint64(p.MemoryKiB) << 10
	room.Lock()
	defer room.Unlock()
	if debug.SetMemoryLimit(-1) != math.MaxInt64 { // a negative limit changes nothing
		var heap runtime.MemStats
		runtime.ReadMemStats(&heap)
		if heap.HeapAlloc >= room.taken+size {
			runtime.GC()
		}
	}
	room.taken += size
	return func() {
		room.Lock()
		defer room.Unlock()
		room.taken -= size
	}
}
