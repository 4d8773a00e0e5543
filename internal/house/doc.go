// Package house holds tests about the repository as a whole: who may import
// whom, and that the documents say what the code does.
package house
