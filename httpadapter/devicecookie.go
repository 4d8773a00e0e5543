package httpadapter

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// Names of the device's cookie. With the prefix, browsers refuse a cookie that another
// host of the site or a page without TLS tries to set in its place (RFC 6265bis,
// 4.1.3.2). This matters because codes are bound to the device.
const (
	deviceCookieName         = "__Host-rekey-device"
	insecureDeviceCookieName = "rekey-device"
)

// deviceCookieAge is the longest that browsers keep a cookie, 400 days in seconds.
const deviceCookieAge = 400 * 24 * 60 * 60

type deviceCookie struct {
	insecure bool
}

// device returns the id in a page's cookie, or a new id, and renews the cookie.
func (c deviceCookie) device(w http.ResponseWriter, r *http.Request) string {
	name := deviceCookieName
	if c.insecure {
		name = insecureDeviceCookieName
	}
	id := ""
	for _, cookie := range r.CookiesNamed(name) {
		if isDeviceID(cookie.Value) {
			id = cookie.Value
			break
		}
	}
	if id == "" {
		id = rand.Text()
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: id, Path: "/", MaxAge: deviceCookieAge,
		Secure: !c.insecure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	w.Header().Set("Cache-Control", "no-store")
	return id
}

// isDeviceID reports whether an id has the form that device makes: 130 random bits in
// base32 (RFC 4648). Another id did not come from here, and an attacker may know it.
func isDeviceID(s string) bool {
	const length = 26
	return len(s) == length && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
