// Package passhash computes and checks password hashes: argon2id for new hashes, and
// bcrypt, scrypt and PBKDF2 for hashes that an application already has. It bounds every
// parameter from the database before it computes with it.
package passhash
