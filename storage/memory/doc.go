// Package memory is an [identity.Storage] in the memory of one process. It is the
// reference implementation: where the comments of identity.Storage leave a choice,
// this package makes the simple one.
//
// # Usage
//
//	svc, err := identity.New(identity.Config{Store: memory.New(), …})
//
// Use it in tests and examples. Everything is lost when the process ends, and two
// processes share nothing. A deployment uses storage/sqlite or storage/bunstore.
//
// # How it works
//
// Each method holds one mutex from beginning to end, and finds all reasons to refuse
// before it changes anything. So each method is atomic. Each key by which users,
// clients and codes are looked up has its own map, so that no request scans
// everything.
//
// Memory is bounded only by what is stored and by [identity.Limits].Purge, which
// [identity.Service.Run] calls.
package memory
