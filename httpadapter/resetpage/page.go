package resetpage

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Page is what templates get.
type Page struct {
	Step      string // number, check, code, done or notice: the template of the content
	Language  string // BCP 47
	Direction string // ltr or rtl

	ServiceName, SignInURL, HelpURL string
	// LogoURL is empty without a configured logo.
	LogoURL string
	// StyleURL, ScriptURL and WorkerURL are the page's own files.
	StyleURL, ScriptURL, WorkerURL string
	// Icon is the icon of the browser's tab.
	Icon template.URL
	// NumberPath, CheckPath and CodePath are where the steps' forms go.
	NumberPath, CheckPath, CodePath string

	Languages []LanguageLink
	Countries []Country

	// Title is the title of a notice.
	Title string
	// Fault is what went wrong; empty if nothing did. FaultField is the name of the
	// input it is about, or empty.
	Fault, FaultField string
	// Status is good news, such as another code sent; empty if there is none.
	Status string

	Number    string // as typed into the first step
	Username  string // the number, for password managers
	Code      string // as typed into the code step, without spaces
	Flow      string // for the forms of the check and code steps
	Sent      bool   // a code was sent on this way
	Done      bool   // the password was changed on this way
	Wait      int    // seconds until another code can be asked for
	Challenge string // for the script that solves it, as JSON

	PasswordMin, CodeDigits int

	// Text returns a text in the page's language, with its placeholders filled in. A name
	// that does not exist is an error, and so fails the template. Templates cannot call
	// methods, so Text, Rich and Part are fields: write {{call .Text "code.title"}}.
	Text func(name string) (string, error)
	// Rich is Text as HTML. The number has its own element, so that it keeps its direction
	// and is not broken across lines.
	Rich func(name string) (template.HTML, error)
	// Part is Text with one more placeholder left for the script to fill in.
	Part func(name, placeholder string) (string, error)

	texts map[string]string
	pairs []string
	shown string
}

// LanguageLink is one choice of the language switch.
type LanguageLink struct {
	Tag, Direction, Name string
	URL                  string
	Current              bool
}

func (p *Page) text(name string) (string, error) {
	if _, ok := p.texts[name]; !ok {
		return "", noText(name)
	}
	return p.say(name), nil
}

func (p *Page) rich(name string) (template.HTML, error) {
	if _, ok := p.texts[name]; !ok {
		return "", noText(name)
	}
	text := html.EscapeString(p.texts[name])
	pairs := make([]string, 0, len(p.pairs)+2)
	for _, s := range p.pairs {
		pairs = append(pairs, html.EscapeString(s))
	}
	number := `<bdi class="number" dir="ltr">` + html.EscapeString(p.shown) + `</bdi>`
	return template.HTML(replace(text, append(pairs, "{number}", number)...)), nil
}

func (p *Page) part(name, placeholder string) (string, error) {
	if _, ok := p.texts[name]; !ok {
		return "", noText(name)
	}
	return replace(p.texts[name], append([]string{placeholder, placeholder}, p.pairs...)...), nil
}

func noText(name string) error { return fmt.Errorf("there is no text with the name %q", name) }

// say is Text for a name that exists. It fills in more placeholders if told to.
func (p *Page) say(name string, more ...string) string {
	return replace(p.texts[name], slices.Concat(p.pairs, more, []string{"{number}", "\u2066" + p.shown + "\u2069"})...)
}

// replace fills in placeholders in one pass: a value that looks like a
// placeholder stays as it is.
func replace(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

// page fills in what all pages have.
func (v *visit) page(s step) *Page {
	h, c := v.h, &v.h.cfg
	tag := h.speaker.tags[v.lang]
	p := &Page{
		Step: string(s), Language: h.speaker.names[v.lang], Direction: direction(tag),
		ServiceName: c.ServiceName, SignInURL: c.SignInURL, HelpURL: c.HelpURL, LogoURL: h.assets.logo,
		StyleURL: h.assets.style, ScriptURL: h.assets.script, WorkerURL: h.assets.worker, Icon: h.assets.icon,
		NumberPath: h.path(stepNumber), CheckPath: h.path(stepCheck), CodePath: h.path(stepCode),
		Number: v.state.Number, Username: v.state.Username, Code: v.state.Code, Flow: v.state.Flow,
		Sent: v.state.Sent, Done: v.state.Step == stepDone,
		PasswordMin: c.PasswordMin, CodeDigits: c.CodeDigits,
		texts: h.speaker.texts[v.lang],
	}
	p.Text, p.Rich, p.Part = p.text, p.rich, p.part // of p, so do not copy it
	for _, i := range h.speaker.order {
		p.Languages = append(p.Languages, LanguageLink{
			Tag: h.speaker.names[i], Direction: direction(h.speaker.tags[i]), Name: h.speaker.texts[i][textLanguageName],
			URL: "?lang=" + h.speaker.names[i], Current: i == v.lang,
		})
	}
	chosen := cmp.Or(v.state.Country, c.DefaultRegion)
	for _, country := range h.countries[v.lang] {
		country.Selected = country.Region == chosen
		p.Countries = append(p.Countries, country)
	}
	_, p.shown = canonical(v.state.Mobile, v.state.Country)
	p.shown = strings.ReplaceAll(p.shown, " ", "\u00a0")
	if left := v.state.ResendAt.Sub(v.now); left > 0 {
		p.Wait = int((left + time.Second - 1) / time.Second)
	}
	number := "1"
	if s == stepCode {
		number = "2"
	}
	p.pairs = []string{
		"{service}", c.ServiceName, "{step}", number, "{steps}", "2",
		"{digits}", strconv.Itoa(c.CodeDigits), "{minutes}", strconv.Itoa(int((c.CodeLifetime + time.Minute - 1) / time.Minute)),
	}
	f := v.state.Fault
	if f == nil || f.At != s {
		p.pairs = append(p.pairs, "{min}", strconv.Itoa(c.PasswordMin), "{wait}", h.speaker.wait(v.lang, time.Duration(p.Wait)*time.Second))
		return p
	}
	least := cmp.Or(f.Min, c.PasswordMin)
	p.PasswordMin = least
	p.pairs = append(p.pairs, "{min}", strconv.Itoa(least), "{max}", strconv.Itoa(f.Max), "{word}", f.Word)
	said := p.say(f.Text, "{wait}", h.speaker.wait(v.lang, f.Until.Sub(v.now)))
	if f.Text == faultResent {
		p.Status = said
	} else {
		p.Fault, p.FaultField = said, f.Field
	}
	p.pairs = append(p.pairs, "{wait}", h.speaker.wait(v.lang, time.Duration(p.Wait)*time.Second))
	return p
}

// show answers with a step.
func (v *visit) show(s step, status int) {
	p := v.page(s)
	if s == stepCheck {
		if v.h.cfg.Captcha == nil {
			redirect(v.w, v.h.cfg.Path) // the step was configured when the state was made
			return
		}
		challenge, err := v.challenge()
		if err != nil {
			outcome, f := v.judge(err, stepNumber)
			v.log("challenge", s, outcome, err)
			v.fail(f)
			return
		}
		p.Challenge = string(challenge)
	}
	v.write(p, status)
}

// notice answers with one sentence, and a way to go on.
func (v *visit) notice(status int, title, text string) {
	p := v.page(stepNotice)
	p.Title = p.say(title)
	p.Status = p.say(text)
	v.write(p, status)
}

func (v *visit) write(p *Page, status int) {
	var b bytes.Buffer
	if err := v.h.templates.ExecuteTemplate(&b, "page", p); err != nil {
		v.log("render", step(p.Step), outcomeFailure, err)
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if v.device == "" {
		v.h.setCookie(v.w, cookieDevice, rand.Text(), deviceLifetime)
	}
	header := v.w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", p.Language)
	header.Set("Content-Length", strconv.Itoa(b.Len()))
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(b.Bytes()) // an error means that the browser is gone
	}
}
