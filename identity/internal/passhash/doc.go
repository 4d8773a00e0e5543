// Package passhash computes and checks password hashes: argon2id for
// everything new, and bcrypt, scrypt and PBKDF2 for hashes that an embedder
// brings along. Every parameter that comes out of a database is bounded before
// anything is computed from it.
package passhash
