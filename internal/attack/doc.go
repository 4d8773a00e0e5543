// Package attack holds tests of the whole system: random walks that are compared with a
// model, searches for secrets in every output, and floods and soaks over HTTP.
package attack
