// Package siteverify checks CAPTCHA tokens with a company's service: Cloudflare
// Turnstile, hCaptcha, or Google reCAPTCHA version 2 and 3. All of them answer the
// same kind of request, named siteverify.
//
// # Usage
//
//	verifier, err := siteverify.New(siteverify.Config{
//		Service: siteverify.Turnstile,
//		Secret:  secret,                        // from the company
//		Hosts:   []string{"www.example.com"},   // where the widget is shown
//		Action:  "forgot-password",             // as the page gives it to the widget
//	})
//	...
//	service, err := identity.New(identity.Config{Captcha: verifier, ...})
//
// The page shows the company's widget and sends its token as captcha_token.
//
// # Security model
//
// The company says that a token was solved, is fresh and was not used before. This
// package then compares the host name and the action, so that a token solved on
// another site of the same account, or for another form, is refused. The score of
// reCAPTCHA 3 is compared with Config.MinScore.
//
// A company knows no phone numbers, so its token is not bound to one. An attacker
// who has tokens solved elsewhere chooses the number later. Packages altcha and
// puzzle bind theirs.
//
// What the company learns: the token and the address of the caller, unless
// Config.WithholdAddress is set. It never learns the number.
//
// # When the service fails
//
// By default the send is refused if a token cannot be checked: the caller gets the answer
// of a server failure and can try again. Config.InsecureAllowOnFailure lets the send pass
// instead; its comment describes the attack. A wrong secret always refuses the send, and
// so do more than Config.Concurrency checks at the same time.
//
// Each check makes one request, with a time limit, without redirects, and reads at
// most 64 KiB.
package siteverify
