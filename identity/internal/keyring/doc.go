// Package keyring derives keys from the configured secrets and uses them: for
// digests of verification codes and for sealing outbox texts. No other package
// touches a derived key.
package keyring
