package resetpage

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// wellKnown is where password managers look for the page (W3C, "A Well-Known
// URL for Changing Passwords").
const wellKnown = "/.well-known/change-password"

type handler struct {
	cfg       Config
	service   Service
	sealer    *sealer
	speaker   *speaker
	templates *templateSet
	assets    *assets
	origin    *http.CrossOriginProtection
	twice     *twice
	countries [][]Country // by language
	base      string      // Path without a slash at its end
}

// New returns the page as a handler, or an error that joins all faults of the
// configuration. It starts no goroutine. It panics if service is nil.
func New(service Service, cfg Config) (http.Handler, error) {
	if service == nil {
		panic("resetpage: New: nil service")
	}
	cfg.fill()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	h := &handler{cfg: cfg, service: service, base: strings.TrimSuffix(cfg.Path, "/"), origin: http.NewCrossOriginProtection(), twice: newTwice()}
	var err error
	if h.speaker, err = newSpeaker(&cfg); err != nil {
		return nil, err
	}
	if h.sealer, err = newSealer(append([]identity.Secret{cfg.Secret}, cfg.OldSecrets...)...); err != nil {
		return nil, err
	}
	if h.templates, err = newTemplates(cfg.Templates); err != nil {
		return nil, err
	}
	h.assets = newAssets(&cfg, h.base+"/assets/")
	h.countries = countryNames(cfg.Countries, h.speaker.tags)
	if err := h.tryTemplates(); err != nil {
		return nil, err
	}
	return h, nil
}

// path returns the path of a step.
func (h *handler) path(s step) string {
	if s == stepNumber || s == stepNotice {
		return h.cfg.Path
	}
	return h.base + "/" + string(s)
}

// visit is one request and its answer.
type visit struct {
	h      *handler
	w      http.ResponseWriter
	r      *http.Request
	now    time.Time
	lang   int
	device string // empty if the browser sent none
	tenant string
	state  state
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if r.URL.Path == wellKnown {
		redirect(w, h.cfg.Path)
		return
	}
	if name, ok := strings.CutPrefix(r.URL.Path, h.base+"/assets/"); ok {
		h.assets.serve(w, r, name)
		return
	}
	v := &visit{h: h, w: w, r: r, now: h.cfg.Now(), device: h.device(r)}
	v.lang = h.speaker.language(h.cookie(r, cookieLanguage), strings.Join(r.Header.Values("Accept-Language"), ","))
	if h.cfg.Tenant != nil {
		v.tenant = h.cfg.Tenant(r)
	}
	at := stepNotice
	for _, s := range []step{stepNumber, stepCheck, stepCode, stepDone} {
		// The escaped path must match too, so that no other spelling gets around the rules
		// of a proxy.
		if r.URL.Path == h.path(s) && r.URL.EscapedPath() == h.path(s) {
			at = s
		}
	}
	switch {
	case at == stepNotice && h.base != "" && r.URL.Path == h.base+"/":
		redirect(w, h.cfg.Path)
	case at == stepNotice:
		v.notice(http.StatusNotFound, noticeNotFoundTitle, noticeNotFound)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		v.load()
		v.get(at)
	case r.Method == http.MethodPost && at != stepDone:
		v.post(at)
	default:
		allow := "GET, HEAD, POST"
		if at == stepDone {
			allow = "GET, HEAD"
		}
		w.Header().Set("Allow", allow)
		v.notice(http.StatusMethodNotAllowed, noticeUnreadTitle, noticeUnread)
	}
}

// get shows a step, or redirects to the step that the person has reached.
func (v *visit) get(at step) {
	if chosen := v.r.URL.Query().Get("lang"); chosen != "" {
		if i := v.h.speaker.language(chosen, ""); v.h.speaker.names[i] == chosen {
			v.h.setCookie(v.w, cookieLanguage, chosen, deviceLifetime)
		}
		redirect(v.w, v.h.path(at))
		return
	}
	st := &v.state
	switch {
	case at == stepNumber && st.Step == stepDone:
		v.state = state{} // start again from the first step
		v.show(at, http.StatusOK)
	case at == stepNumber, at == st.Step:
		v.show(at, http.StatusOK)
	case at == stepCode && st.Step == stepDone:
		v.notice(http.StatusOK, textDoneTitle, textDoneAgain)
	case at == stepCode && st.Step == stepCheck:
		redirect(v.w, v.h.path(stepCheck))
	case at == stepCheck && st.Step == stepCode:
		redirect(v.w, v.h.path(stepCode))
	case v.device != "":
		v.fail(fault{Text: faultExpired, At: stepNumber})
	default:
		redirect(v.w, v.h.cfg.Path)
	}
}

// secure sets the security headers of every answer.
func secure(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", contentSecurityPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	// With no-referrer, browsers send "Origin: null" with a form (Fetch, 3.2). A form from
	// a browser without Sec-Fetch-Site, or over plain HTTP, would then look as if it came
	// from another site. With same-origin, other hosts get no referrer either.
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

// contentSecurityPolicy lets in files of the page's own host, and images
// within its style sheet. The script makes no HTML from strings, which the last two directives
// have the browser enforce.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types rekey"

// redirect leads to a path of the handler. Status 303 makes the browser use GET, so that
// reloading does not send the form again.
func redirect(w http.ResponseWriter, path string) {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
