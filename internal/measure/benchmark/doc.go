// Package benchmark answers the question: how much does a whole reset cost, compared with
// its one password hash in the same run?
//
//	go test -run '^$' -bench . ./internal/measure/benchmark
package benchmark
