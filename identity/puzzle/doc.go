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
// Nothing is stored for a puzzle that is merely drawn: where the hole is stands,
// sealed, in the puzzle's own token. What is stored is that a puzzle was tried and
// that a token was used. Several servers work together if they share the secret and
// the storage.
//
// # Security model
//
// A puzzle can be tried once, right or wrong. A token is good once, for the number
// that it was solved for, until it expires. It does not depend on the purpose of the
// code, because the routes of the family do not name one.
//
// A sliding puzzle keeps simple scripts out. It does not keep out a program that
// looks at pictures: finding the hole is an exercise for students. A program that
// does not look and guesses passes about one time in fourteen. If that matters to
// you, use package altcha, whose price is known, and keep the limits of package
// identity in any case. People who cannot see the picture cannot solve it: offer
// them another way.
//
// # Why it is drawn here
//
// The libraries that draw sliding puzzles leave the pictures and the pieces to the
// user of the library, and they bring font rendering that a sliding puzzle does not
// need. What remains of them is less code than it takes to use them.
package puzzle
