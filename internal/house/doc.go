// Package house holds tests of the whole repository: which package may import which, and
// that the documents match the code.
package house
