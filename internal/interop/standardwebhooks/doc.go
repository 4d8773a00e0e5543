// Package standardwebhooks checks identity/eventwebhook against the npm package of
// the standard.
package standardwebhooks
