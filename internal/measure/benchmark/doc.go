// Package benchmark holds the benchmarks that compare: what a whole reset costs
// beside its one password hash, in one run.
//
//	go test -run '^$' -bench . ./internal/measure/benchmark
package benchmark
