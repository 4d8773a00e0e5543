package resetpage

import (
	"html/template"
	"net/http"
	"strings"
)

// ShippedTexts are the built-in texts of the package.
func ShippedTexts() Texts { return shippedTexts() }

// Render renders a step with the shipped templates, by the engine in use and by
// html/template.
func Render(h http.Handler, at string, change func(*Page)) (used, standard string, err error) {
	handler := h.(*handler)
	p := (&visit{h: handler, now: handler.cfg.Now()}).page(step(at))
	change(p)
	t, err := template.ParseFS(shippedTemplates, "templates/*.html")
	if err != nil {
		return "", "", err
	}
	var b [2]strings.Builder
	if err := handler.templates.ExecuteTemplate(&b[0], "page", p); err != nil {
		return "", "", err
	}
	if err := t.ExecuteTemplate(&b[1], "page", p); err != nil {
		return "", "", err
	}
	return b[0].String(), b[1].String(), nil
}
