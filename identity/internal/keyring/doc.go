// Package keyring derives keys from the configured secrets, and uses them for digests of
// verification codes and for sealing texts in the outbox. No other package has access to a
// derived key.
package keyring
