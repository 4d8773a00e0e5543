// Package management serves the management API: what a backend in any language
// needs of the identity service over the network. The backend checks and changes
// passwords, keeps users and clients, sends and redeems codes, and reads the audit
// trail.
//
// # Usage
//
// [New] returns an http.Handler of its own. Serve it on a loopback address or a Unix
// socket, never on the listener of the public routes:
//
//	tokens, err := management.TokenFile("/etc/rekey/tokens")
//	handler, err := management.New(svc, management.Config{Tokens: tokens})
//	http.ListenAndServe("127.0.0.1:8081", handler)
//
// # Tokens
//
// Every call brings a bearer token, except the one for /openapi.json. [NewToken]
// makes a token of 256 random bits and the line for the file. The file holds the
// SHA-256 digest and the [Scope]s, not the token. The file is read at every call:
// a line that is added or removed counts from the next call on. To rotate a token,
// add a second line with the same name, move the backend over, and remove the first
// line. While the file cannot be read, or has a faulty line, every call is refused.
//
// # What the backend is trusted with
//
// The backend names the tenant and says from which address and device the person
// came; the limits of [identity.Service] count by what it says. A backend that passes
// its own address puts all people into one limit. Numbers are masked unless the token
// has [ScopeMobiles].
//
// # Form
//
// Bodies are JSON objects, read strictly: unknown, repeated and mistyped fields are
// refused. Refusals are problem details (RFC 9457); their member "code" is for
// programs. [OpenAPI] describes all of it.
//
// # Lists
//
// Each list takes the cursor "after" and returns the next one. Events and messages
// appear [Config.Settle] after they happened, because a transaction may commit later
// than one that began after it: a reader who goes on from the last cursor misses
// none.
package management
