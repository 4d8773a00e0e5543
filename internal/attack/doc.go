// Package attack holds tests of everything put together: random walks beside a
// model, canaries in every sink, floods and soaks over HTTP.
package attack
