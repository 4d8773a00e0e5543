// Package captcha has the routes that give clients a CAPTCHA to solve: the sliding
// puzzle of the API family, and the challenge of a proof of work.
//
//	GET  /api/v2/sdk/captcha            a puzzle
//	POST /api/v2/sdk/captcha/verify     its answer; returns the captcha_token
//	POST /api/v2/sdk/captcha/challenge  a challenge by the ALTCHA protocol
//
// # Usage
//
//	routes, err := captcha.Routes(captcha.Config{Service: service, Puzzles: puzzles, Counter: store})
//	...
//	handler, err := httpadapter.New(service, httpadapter.Options{Routes: routes})
//
// The routes need the documented headers and answer in the documented form. They treat
// all numbers alike, and do not know whether a number has a user.
//
// # Limits
//
// Drawing a puzzle or making a challenge costs the server CPU time and the caller
// nothing. So [Config.PerAddress] limits how many an address can ask for. An IPv6
// address counts as its /64. Requests beyond the limit are answered 429 with
// Retry-After.
package captcha
