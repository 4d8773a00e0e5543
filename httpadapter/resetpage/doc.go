// Package resetpage serves the page on which a person sets a new password: the
// mobile number, the code from the text message, the new password.
//
// # Usage
//
//	page, err := resetpage.New(service, resetpage.Config{
//		ClientID:    "app",
//		Secret:      identity.NewSecret(secret),
//		ServiceName: "Harbour",
//		SignInURL:   "/sign-in",
//	})
//	if err != nil {
//		return err
//	}
//	mux.Handle("/reset-password", page)
//	mux.Handle("/reset-password/", page)
//	mux.Handle("/.well-known/change-password", page)
//
// The last line is optional: password managers look there for the page.
//
// # Steps
//
// Each step has its own page: [Config.Path] asks for the number, Path/code for the code
// and the new password, and Path/done confirms the change. Path/check comes after the
// first page if the service asks for a captcha token and [Config.Captcha] is set. Every
// form works without JavaScript. A form is answered with a redirect, so that going back
// and reloading send nothing again.
//
// The page says the same for numbers with and without an account, because it knows only
// what the service answers.
//
// # Security model
//
// Between two steps the browser keeps the state in a cookie that it can neither
// read nor change (AES-256-GCM, by a key from [Config.Secret]) and that is bound to
// the application, the tenant, the path and the device. It never holds a password. The
// device is a random id in a second cookie, to which codes are bound. Its name and form
// are those of the cookie that package httpadapter sets for your own forms. Both cookies
// are HttpOnly, SameSite=Lax and, without [Config.InsecureCookies], Secure with the
// prefix __Host-.
//
// A replayed state shows an earlier step and does nothing more, because only the service
// decides whether a code is accepted.
//
// Forms from other sites are refused by [net/http.CrossOriginProtection]. A strict
// Content-Security-Policy allows the page's own style and script, and nothing inline. No
// other site may frame the page. Redirects lead to the page's own steps only. URLs and
// logs hold no data of the person.
//
// # Your own look
//
// Set the name, the logo and the accent colour in [Config]; replace any text with
// [Config.Texts], add to the style sheet with [Config.CSS], and replace templates with
// [Config.Templates], in which {{call .Text "code.title"}} is a text. The guide in
// docs/reset-page-look.md lists them.
//
// # Stability
//
// The names of texts, templates, style variables and the fields of [Page] follow
// the module's version. The shipped texts and the look may change.
package resetpage
