// Package puzzle is a self-hosted CAPTCHA: a picture with a hole, and a piece that
// the person slides into it. It is the sliding puzzle of the API family, in which
// AJ-Captcha's block puzzle is the best-known widget.
//
// # Usage
//
//	store := memory.New() // any identity.Storage
//	puzzles, err := puzzle.New(puzzle.Config{Secret: secret, Counter: store})
//	...
//	service, err := identity.New(identity.Config{Store: store, Captcha: puzzles, ...})
//
// Package httpadapter/captcha has the routes GET /api/v2/sdk/captcha and
// POST /api/v2/sdk/captcha/verify.
//
// # One puzzle
//
// [Puzzles.New] draws a puzzle. [Puzzles.Solve] takes the place to which the person
// moved the piece and the number that the code will go to; it returns a token of the
// form TOKEN---{"x":237.0,"y":5.0}. The client sends it as captcha_token, and the
// service passes it to [Puzzles.VerifyCaptcha].
//
// Drawing a puzzle stores nothing: the place of the hole is in the puzzle's own token,
// encrypted. The storage only remembers that a puzzle was tried and that a token was used.
// Several servers work together if they share the secret and the storage.
//
// # Security model
//
// A puzzle can be tried once, right or wrong. A token is good once, for the number
// that it was solved for, until it expires. It does not depend on the purpose of the
// code, because the routes of the family do not name one.
//
// A sliding puzzle keeps simple scripts out. It does not stop a program that analyses the
// picture, which is easy to write. A program that only guesses passes about one time in
// fourteen. If that matters to you, use package altcha, whose price is known. Keep the
// limits of package identity in any case. People who cannot see the picture cannot solve
// it: offer them another way.
//
// # Why it is drawn here
//
// Libraries that draw sliding puzzles leave the pictures and pieces to their user, and
// include font rendering that a sliding puzzle does not need. The rest is less code than
// using such a library.
package puzzle
