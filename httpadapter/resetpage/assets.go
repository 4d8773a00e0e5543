package resetpage

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

var (
	//go:embed assets/style.css
	styleCSS []byte
	//go:embed assets/script.js
	scriptJS []byte
	//go:embed assets/solve.js
	solveJS []byte
)

// assets are the page's files. Their names hold a hash of their contents, so that
// browsers may cache them for a long time.
type assets struct {
	files                       map[string]asset
	style, script, worker, logo string // URLs
	icon                        template.URL
}

type asset struct {
	media string
	body  []byte
}

func newAssets(c *Config, base string) *assets {
	a := &assets{files: map[string]asset{}}
	add := func(name, media string, body []byte) string {
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		name = strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
		a.files[name] = asset{media, body}
		return base + name
	}
	css := bytes.Join([][]byte{styleCSS, []byte(accentCSS(c.Accent)), []byte(c.CSS)}, []byte("\n"))
	a.style = add("style.css", "text/css; charset=utf-8", css)
	a.script = add("script.js", "text/javascript; charset=utf-8", scriptJS)
	a.worker = add("solve.js", "text/javascript; charset=utf-8", solveJS)
	if media := imageType(c.Logo); media != "" {
		ext := map[string]string{"image/svg+xml": ".svg", "image/png": ".png", "image/webp": ".webp", "image/jpeg": ".jpg", "image/gif": ".gif"}[media]
		a.logo = add("logo"+ext, media, c.Logo)
	}
	accent := parseColour(c.Accent)
	a.icon = template.URL("data:image/svg+xml," + url.PathEscape(
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="`+accent.String()+
			`"/><g fill="none" stroke="`+accent.on().String()+`" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round">`+keyShape+`</g></svg>`))
	return a
}

// keyShape is a key, in a square of 32.
const keyShape = `<circle cx="12" cy="16" r="4.5"/><path d="M16.5 16H25v4M21 16v3"/>`

func imageType(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	head := strings.TrimSpace(string(b[:min(len(b), 512)]))
	if strings.HasPrefix(head, "<svg") || strings.HasPrefix(head, "<?xml") && strings.Contains(string(b), "<svg") {
		return "image/svg+xml"
	}
	switch media := http.DetectContentType(b); media {
	case "image/png", "image/webp", "image/jpeg", "image/gif":
		return media
	}
	return ""
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request, name string) {
	file, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Content-Type", file.media)
	if file.media == "image/svg+xml" {
		// A logo that is opened by itself must not run scripts in this origin.
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'")
	} else if strings.HasPrefix(file.media, "text/javascript") {
		// A worker has the policy of its own file.
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	}
	header.Set("Content-Length", strconv.Itoa(len(file.body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(file.body) // an error means that the browser is gone
	}
}
