// Package benchmark answers the question: what does a whole reset cost beside its
// one password hash, in one run?
//
//	go test -run '^$' -bench . ./internal/measure/benchmark
package benchmark
