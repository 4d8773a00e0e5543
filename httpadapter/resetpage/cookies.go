package resetpage

import (
	"net/http"
	"time"
)

// Cookie names, without the prefix of secure cookies. The prefix __Host- prevents other
// hosts of the same domain from setting them (RFC 6265bis, 4.1.3.2).
const (
	cookieState    = "rekey-reset"
	cookieDevice   = "rekey-device"
	cookieLanguage = "rekey-language"

	// Browsers keep a cookie for no longer than 400 days (RFC 6265bis, 5.5).
	deviceLifetime = 400 * 24 * time.Hour
)

func (h *handler) cookieName(name string) string {
	if h.cfg.InsecureCookies {
		return name
	}
	return "__Host-" + name
}

// setCookie sets a cookie that scripts cannot read. SameSite is Lax, not Strict: a person
// who comes back by a link in another site or app must be recognised. Otherwise the
// device would get a new id, to which no live code is bound.
func (h *handler) setCookie(w http.ResponseWriter, name, value string, lifetime time.Duration) {
	c := &http.Cookie{
		Name: h.cookieName(name), Value: value, Path: "/", MaxAge: int(lifetime / time.Second),
		Secure: !h.cfg.InsecureCookies, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// cookie returns the value of a cookie. It is empty if the cookie is missing or occurs
// twice, because another application of this host may have set one of them.
func (h *handler) cookie(r *http.Request, name string) string {
	all := r.CookiesNamed(h.cookieName(name))
	if len(all) != 1 {
		return ""
	}
	return all[0].Value
}

// device returns the id of the browser, or the empty string if it has none yet.
func (h *handler) device(r *http.Request) string {
	if id := h.cookie(r, cookieDevice); validDevice(id) {
		return id
	}
	return ""
}

func (v *visit) context() []byte {
	return sealContext(v.h.cfg.Path, v.h.cfg.ClientID, v.tenant, v.device)
}

// load opens the state that the browser sent, if it is valid.
func (v *visit) load() {
	if v.device == "" {
		return
	}
	st, err := v.h.sealer.open(v.h.cookie(v.r, cookieState), v.context(), v.now)
	if err == nil {
		v.state = st
	}
}

// save sets the cookie that holds the state.
func (v *visit) save() error {
	v.state.ExpiresAt = v.now.Add(v.h.cfg.Lifetime).UTC().Truncate(time.Second)
	value, err := v.h.sealer.seal(v.state, v.context())
	if err != nil {
		return err
	}
	v.h.setCookie(v.w, cookieState, value, v.h.cfg.Lifetime)
	return nil
}
