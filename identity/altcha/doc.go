// Package altcha is a self-hosted CAPTCHA: the caller's machine does some work
// before an SMS is sent. It follows the ALTCHA protocol, version 2, so that the
// ALTCHA widget (npm package altcha, version 3 and later) solves its challenges,
// and so does any other client of the protocol. No other company is asked, no
// cookie is set, and the person has nothing to solve.
//
// # Usage
//
//	store := memory.New() // any identity.Storage
//	verifier, err := altcha.New(altcha.Config{Secret: secret, Counter: store})
//	...
//	service, err := identity.New(identity.Config{Store: store, Captcha: verifier, ...})
//
// Serve [Verifier.Challenge] to clients: package httpadapter/captcha has the route.
// A client solves the challenge and sends the solution as captcha_token.
//
// # What a challenge is
//
// The client has to find a number between 0 and [Difficulty].Numbers: it derives
// a key from each number with PBKDF2-HMAC-SHA-256 until the key begins as the
// challenge says. PBKDF2 costs a browser about what it costs an attacker, because
// browsers have it built in; one plain hash is much slower in a browser. Making a
// challenge costs the server one derivation, and checking a solution costs none.
//
// # Security model
//
// A token is good once, before it expires, for the number and purpose that its
// challenge was made for, and only if its challenge was as hard as one made now
// would be. The challenge holds a keyed digest of number and purpose. It never
// holds the number.
//
// A proof of work only sets a price: an attacker who pays it passes. The table in
// docs/captcha.md names the CPU seconds per SMS. Keep the limits of package identity;
// this package does not replace them.
//
// Single use is counted in the storage that the servers share, so a token that
// was used on one server is refused by all others.
//
// # Keys
//
// The protocol's two HMAC secrets are derived from Config.Secret with HKDF-SHA-256
// (no salt; info "rekey/v1/altcha signature" and "rekey/v1/altcha key signature";
// 32 bytes, in lower-case hexadecimal). A test of another implementation can
// therefore make and check the same signatures.
package altcha
