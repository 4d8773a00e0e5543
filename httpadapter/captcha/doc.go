// Package captcha has the routes by which clients get something to solve: the
// sliding puzzle of the API family, and the challenge of a proof of work.
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
// The routes ask for the documented headers and answer in the documented form. They
// treat all numbers alike; whether one has a user they do not know.
//
// # Limits
//
// To draw a puzzle and to make a challenge takes CPU time and is free for the caller,
// so each address can ask for so many in a span of time, see [Config.PerAddress]. An
// IPv6 address counts as its /64. More are answered 429 with Retry-After.
package captcha
