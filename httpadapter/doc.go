// Package httpadapter serves the module's HTTP routes as a [net/http.Handler].
//
// # Usage
//
//	h, err := httpadapter.New(service, httpadapter.Options{})
//	if err != nil {
//		return err
//	}
//	mux.Handle("/api/v2/sdk/", h)
//
// The handler answers these routes:
//
//	POST /api/v2/sdk/sms/send              sends a verification code
//	POST /api/v2/sdk/pwd/update-by-mobile  sets a new password with the code
//	GET  /api/v2/sdk/country-codes         lists the countries that are served
//	GET  /api/v2/sdk/server-date           tells the server's time
//	GET  /openapi.json                     describes them, if [Options.ServeOpenAPI] is set
//
// [Options.Routes] adds further routes, such as those of package
// httpadapter/captcha. They follow the same rules.
//
// Mount the handler anywhere in any mux: at "/", at "/api/v2/sdk/", or under a prefix
// that [net/http.StripPrefix] or [Options.Prefix] removes. Paths are matched exactly: a
// trailing slash, a double slash or an escaped letter makes another path. So a request
// cannot get around a proxy's rule for a route. All other paths are answered 404 with
// the usual body of a refusal, SDK.COMMON.1002 for "path".
//
// # Answers
//
// A POST that succeeds is answered 200 without a body. All refusals have one form,
// whatever their status: Content-Type application/json;charset=utf8, and
//
//	{"error_code":"SDK.SMS.1005","error_msg":"The SMS verification code is incorrect or has expired."}
//
// The message is in the language that X-L asks for, see [Messages]. All answers have
// Cache-Control: no-store and X-Content-Type-Options: nosniff. Two refusals for the same
// reason are identical to the byte.
//
// # Order of checks
//
// The answer names the first fault found. The order is: path, method, content type,
// content encoding, size; the headers; the form of the JSON; and then what the service
// checks, which is the type, the application and tenant, the number, the CAPTCHA or the
// password, and the code or the limits. The GET routes stop after the headers: their
// answers are the same for all callers and need no storage. The order among headers is:
// X-client-id missing, device information missing, a header malformed. Among body
// fields: a field missing, a field of another type, a field malformed. Within each step
// the documented order decides.
//
// A header is malformed if it is repeated, longer than 256 bytes (X-agent: 1,024,
// X-device-fingerprint: 4,096), not UTF-8, or has control characters. A field is
// malformed if it is repeated, not UTF-8, or holds half of a surrogate pair or U+0000;
// mobile, type and captcha_token must not have any control character. Missing means
// absent, null, or only white space. Field names are compared exactly. Unknown fields
// are ignored, nested at most 32 deep. A byte-order mark before the object is ignored. A
// Content-Encoding other than identity is answered 415.
//
// A request whose caller has left is still answered (as a failure of the server, if it
// was interrupted), because net/http would otherwise answer 200.
//
// # What the server must do
//
// The handler bounds bodies. Only the server can bound the duration of a request and the
// size of its headers. Without these settings a thousand idle connections make the
// service unavailable:
//
//	server := &http.Server{
//		Handler:           mux,
//		ReadHeaderTimeout: 5 * time.Second,
//		ReadTimeout:       10 * time.Second, // headers and body
//		WriteTimeout:      30 * time.Second, // hashing waits in a queue
//		IdleTimeout:       time.Minute,
//		MaxHeaderBytes:    16 << 10, // the documented headers take up to 7 KiB
//	}
//
// The handler calls the service only after the whole body has arrived, so a slow caller
// never holds a transaction.
//
// # Addresses
//
// Limits count by the address of the connection. Behind a reverse proxy this is the
// proxy's address, and all callers would share its limits. Set [Options.TrustedProxies]
// and [Options.AddressHeader], or [Options.TrustUnixSocket] if the proxy connects over a
// Unix socket, where connections have no address. The X-device-ip header is the caller's
// own claim. It is kept for the audit trail, and limits ignore it.
//
// # Browsers
//
// Pages of other origins may call the routes if [Options.AllowedOrigins] lists their
// origin. If your mux has patterns with methods, let OPTIONS through too; otherwise the
// mux answers the browser's preflight.
//
// # Routes of your own
//
// [CallerSource] finds out who sends a request: for JSON routes from the documented
// headers, for web pages from a random id in a cookie. [Status] and [WriteError] turn
// errors of the service into answers.
//
// # Logs
//
// Each request is one Info record in UTC: route, status, error_code, client,
// address, language and duration; client and language are what the caller sent.
// A failure of the server is an Error record in addition. Bodies, numbers, codes, device
// fingerprints and panic values are never logged.
//
// # Stability
//
// Routes, statuses, error codes and the form of answers follow a published API and do
// not change. The wording of messages may change.
package httpadapter
