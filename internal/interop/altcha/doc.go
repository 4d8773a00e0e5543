// Package altcha holds the test that checks package identity/altcha against the
// protocol's own implementations, the npm packages altcha-lib and altcha.
package altcha
