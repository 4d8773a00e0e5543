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
// Mount it anywhere in any mux: at "/", at "/api/v2/sdk/", or under a prefix,
// which is taken off either by [net/http.StripPrefix] or by [Options.Prefix].
// Paths are matched exactly and in one spelling: a trailing slash, a doubled
// slash, or an escaped letter is another path, so that a rule which a proxy has
// for a route cannot be passed by. Every other path that reaches the handler is
// answered 404 with the body of all refusals, SDK.COMMON.1002 naming "path".
//
// # Answers
//
// Success of a POST is 200 with no body. Every refusal has one form, whatever its status:
// Content-Type application/json;charset=utf8, and
//
//	{"error_code":"SDK.SMS.1005","error_msg":"The SMS verification code is incorrect or has expired."}
//
// The message is in the language that X-L asks for, see [Messages]. All answers
// carry Cache-Control: no-store and X-Content-Type-Options: nosniff, and two
// refusals for the same reason are the same bytes.
//
// # Order of checks
//
// The first fault found is the answer. Path, method, content type, content
// encoding, size; then the headers; then the JSON form; then the service, which tells about an unknown
// type, the application and tenant, the number, the CAPTCHA or the password, and
// the code or the limits in this order. The GET routes end with the headers: their
// answers are the same for everybody, so no storage is asked.
// Among headers: X-client-id missing, then device information missing, then any
// header malformed. Among body fields: any missing, then any of another type,
// then any malformed. Within each step the documented order decides.
//
// A header is malformed if it is repeated, longer than 256 bytes (X-agent: 1,024,
// X-device-fingerprint: 4,096), not UTF-8, or has control characters. A field is malformed if it is repeated,
// not UTF-8, holds half of a surrogate pair or U+0000; mobile, type and
// captcha_token may have no control characters at all. Missing means absent,
// null, or white space only. Field names are compared exactly; unknown fields
// are ignored, nested at most 32 deep. A byte-order mark before the object is
// ignored. A Content-Encoding other than identity is 415.
//
// A request whose caller has left is still answered (as our own failure, if it
// was interrupted): a handler that just returns has net/http say 200.
//
// # What the server must do
//
// The handler bounds bodies; how long a request takes and how large its headers
// are only the server can bound. Without these settings a thousand idle
// connections are a denial of service:
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
// The service is called only after the body has arrived in full, so a slow
// sender never holds a transaction.
//
// # Addresses
//
// Limits count by the address of the connection. Behind a reverse proxy that is
// the proxy's, and all callers share one budget: set [Options.TrustedProxies] and
// [Options.AddressHeader], or [Options.TrustUnixSocket] if the proxy connects over
// a Unix socket, where connections have no address. The X-device-ip header is the caller's own claim. It
// is kept for the audit trail and never counted by.
//
// # Browsers
//
// Pages of other origins may call the routes if [Options.AllowedOrigins] has their
// origin. If the mux that the handler is mounted in has patterns with methods,
// let OPTIONS through too, or the mux answers the browser's preflight.
//
// # Routes of your own
//
// [CallerSource] says who asks, for JSON routes by the documented headers and for
// web pages by a random id in a cookie. [Status] and [WriteError] answer with
// errors of the service.
//
// # Logs
//
// Each request is one Info record in UTC: route, status, error_code, client,
// address, language and duration; client and language are what the caller sent.
// Our own failures are an Error record besides. Bodies, numbers, codes, device
// fingerprints and panic values are never logged.
//
// # Stability
//
// Routes, statuses, error codes and the form of answers follow a published API
// and do not change. The wording of messages may.
package httpadapter
