// Package browser drives a real browser through the page for people.
package browser
