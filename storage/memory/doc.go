// Package memory keeps everything an [identity.Service] stores in the memory of
// one process. It is the reference implementation of [identity.Storage]: what
// the port's comments leave to the reader, this package decides, simply.
//
// # Usage
//
//	svc, err := identity.New(identity.Config{Store: memory.New(), …})
//
// It serves tests, examples and trying things out. Everything is gone when the
// process ends, and two processes share nothing: a deployment uses
// storage/sqlite or storage/bunstore.
//
// # How it works
//
// One mutex is held for the whole of each method, and every method works out
// all of its refusals before it changes anything: that is all there is to
// atomicity. What users, clients and codes are looked up by has a map of its
// own, so that no request scans everything that is stored.
//
// Memory is bounded only by what is stored and by [identity.Limits].Purge,
// which [identity.Service.Run] calls.
package memory
