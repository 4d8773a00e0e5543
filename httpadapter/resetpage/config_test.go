package resetpage_test

import (
	"fmt"
	"html"
	"html/template"
	"maps"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
)

func TestNewReportsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := resetpage.New(&stub{}, resetpage.Config{
		Secret: identity.NewSecret("short"), OldSecrets: []identity.Secret{identity.NewSecret("old")},
		Path: "reset/", Countries: []string{"ZZ"}, DefaultRegion: "CN", CodeDigits: 3, PasswordMin: 4, Lifetime: 1,
		SignInURL: "//evil.example", HelpURL: "javascript:alert(1)", Accent: "red", Logo: []byte("no image"), Languages: []string{"!"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{
		"ClientID", "Secret", "OldSecrets[0]", "Path", "Countries", "DefaultRegion", "CodeDigits", "PasswordMin", "Lifetime",
		"SignInURL", "HelpURL", "Accent", "Logo", "Languages",
	} {
		if !strings.Contains(err.Error(), "resetpage: Config."+field) {
			t.Errorf("%s is not named in:\n%v", field, err)
		}
	}
}

func TestConfigThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*resetpage.Config){
		"unknown text":           func(c *resetpage.Config) { c.Texts = resetpage.Texts{"en": {"no.such": "x"}} },
		"text in another case":   func(c *resetpage.Config) { c.Texts = resetpage.Texts{"en": {"Number.title": "x"}} },
		"text of an old kind":    func(c *resetpage.Config) { c.Texts = resetpage.Texts{"ar": {"number.titel": "x"}} },
		"template's text":        func(c *resetpage.Config) { c.Templates = footer(`{{call .Text "number.titel"}}`) },
		"template's rich text":   func(c *resetpage.Config) { c.Templates = footer(`{{call .Rich "code.set"}}`) },
		"template's part":        func(c *resetpage.Config) { c.Templates = footer(`{{call .Part "wait.second" "{n}"}}`) },
		"unknown placeholder":    func(c *resetpage.Config) { c.Texts = resetpage.Texts{"en": {"code.save": "{password}"}} },
		"blank text":             func(c *resetpage.Config) { c.Texts = resetpage.Texts{"en": {"code.save": " "}} },
		"language without texts": func(c *resetpage.Config) { c.Languages = []string{"en", "fr"} },
		"default not on offer":   func(c *resetpage.Config) { c.Languages, c.DefaultLanguage = []string{"en"}, "zh" },
		"host in a path":         func(c *resetpage.Config) { c.SignInURL = `/\evil.example` },
		"three slashes":          func(c *resetpage.Config) { c.SignInURL = "///evil.example" }, // browsers read two
		"no host":                func(c *resetpage.Config) { c.SignInURL = "https:///x" },
		"data":                   func(c *resetpage.Config) { c.SignInURL = "data:text/html,x" },
		"mail as sign-in":        func(c *resetpage.Config) { c.SignInURL = "mailto:a@example.com" },
		"path with dots":         func(c *resetpage.Config) { c.Path = "/a/../b" },
		"path with two slashes":  func(c *resetpage.Config) { c.Path = "//a" },
		"path with a slash last": func(c *resetpage.Config) { c.Path = "/a/" },
		"huge logo":              func(c *resetpage.Config) { c.Logo = []byte("<svg>" + strings.Repeat("x", 65<<10)) },
	} {
		cfg := config()
		change(&cfg)
		if _, err := resetpage.New(&stub{}, cfg); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func footer(text string) *template.Template {
	return template.Must(template.New("").Parse(`{{define "footer"}}` + text + `{{end}}`))
}

func TestMountedAtTheRootAndDeep(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/account/reset"} {
		cfg := config()
		cfg.Path = path
		b := newBrowser(t, newHandler(t, &stub{}, cfg))
		page := b.get(path)
		page.expect(t, "number", `action="`+path+`"`)
		base := strings.TrimSuffix(path, "/")
		page = b.follow(b.post(path, "action", "send", "mobile", mobile))
		page.expect(t, "code", `action="`+base+`/code"`)
		b.follow(b.post(base+"/code", "action", "reset", "flow", page.flow(t), "code", "123456", "password", "x")).expect(t, "done")
		if got := b.get("/.well-known/change-password"); got.Header.Get("Location") != path {
			t.Errorf("the well-known path leads to %q", got.Header.Get("Location"))
		}
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Texts = resetpage.Texts{
		"ar": {"language.name": "العربية", "number.title": "هل نسيت كلمة المرور؟"},
		"en": {"number.title": "Locked out of {service}?"},
	}
	cfg.ServiceName = "Harbour"
	h := newHandler(t, &stub{}, cfg)
	for accept, want := range map[string]string{
		"": "en", "zh-TW,zh;q=0.8": "zh", "en-GB": "en", "fr": "en", "ar-EG, en;q=0.5": "ar", "zh;q=0.1, en;q=0.9": "en",
		"*": "en", ";;;": "en", "zh," + strings.Repeat("x-y-z,", 500): "zh", "ar;q=0, zh": "zh",
	} {
		b := newBrowser(t, h)
		b.header.Set("Accept-Language", accept)
		dir := "ltr"
		if want == "ar" {
			dir = "rtl"
		}
		page := b.get(start)
		if !strings.Contains(page.body, `<html lang="`+want+`" dir="`+dir+`">`) || page.Header.Get("Content-Language") != want {
			t.Errorf("the answer to %q is in %q", accept, page.Header.Get("Content-Language"))
		}
	}
	b := newBrowser(t, h)
	b.header.Set("Accept-Language", "en")
	b.get(start).expect(t, "number", "Locked out of Harbour?", `lang="ar" hreflang="ar" dir="rtl">العربية`)
	page := b.follow(b.get(start + "?lang=ar"))
	page.expect(t, "number", "هل نسيت كلمة المرور؟", "Mobile number") // texts that are not translated are English
	b.follow(b.post(start, "action", "have", "mobile", mobile)).expect(t, "code", `dir="rtl"`, `<bdi class="number" dir="ltr">`)
	b.follow(b.get(start+"/code?lang=zh")).expect(t, "code", "设置新密码")

	// A page in one language needs no language switch.
	cfg.Languages = []string{"zh"}
	b = newBrowser(t, newHandler(t, &stub{}, cfg))
	page = b.get(start)
	page.expect(t, "number", `lang="zh`)
	if strings.Contains(page.body, "?lang=") {
		t.Error("the page has a language switch")
	}
}

func TestLanguagesAreComplete(t *testing.T) {
	t.Parallel()
	texts := resetpage.ShippedTexts()
	hole := regexp.MustCompile(`\{[^}]*\}`)
	for name, en := range texts["en"] {
		zh, ok := texts["zh"][name]
		if !ok {
			t.Errorf("%s is not in Chinese", name)
		}
		for _, p := range hole.FindAllString(en, -1) {
			if !strings.Contains(zh, p) {
				t.Errorf("%s: the Chinese text lacks %s", name, p)
			}
		}
	}
	if len(texts["zh"]) != len(texts["en"]) {
		t.Error("there are more Chinese texts than English texts")
	}
}

func TestCountries(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Countries = []string{"GB", "CN", "DE"}
	b := newBrowser(t, newHandler(t, &stub{}, cfg))
	body := html.UnescapeString(b.get(start).body)
	for _, want := range []string{`<option value="GB" selected>United Kingdom`, `<option value="DE">Germany`, "+44", "+86", "+49"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in:\n%s", want, body)
		}
	}
	if strings.Index(body, "China") > strings.Index(body, "Germany") {
		t.Error("not sorted by name")
	}
	b.header.Set("Accept-Language", "zh")
	b.get(start).expect(t, "number", "英国", "德国")
}

// inOrder fails unless the page has the parts, one after the other.
func inOrder(t *testing.T, body string, parts ...string) {
	t.Helper()
	rest := html.UnescapeString(body)
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("no %q after the parts before it, of %q", part, parts)
			return
		}
		rest = after
	}
}

// Chinese names are sorted by their sounds or strokes, names in letters without regard
// to accents. A language without known names uses the English names.
func TestCountriesByLanguage(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Countries = []string{"CN", "GB", "DE", "AT"}
	cfg.Texts = resetpage.Texts{}
	order := map[string][]string{
		"en":      {">Austria", ">China", ">Germany", ">United Kingdom"},
		"de":      {">China", ">Deutschland", ">Österreich", ">Vereinigtes Königreich"},
		"fr":      {">Allemagne", ">Autriche", ">Chine", ">Royaume-Uni"},
		"tlh":     {">Austria", ">China", ">Germany", ">United Kingdom"},
		"zh":      {">奥地利", ">德国", ">英国", ">中国"},
		"zh-Hant": {">中國", ">英國", ">奧地利", ">德國"},
	}
	for tag := range order {
		cfg.Texts[tag] = map[string]string{"number.title": "?"}
	}
	h := newHandler(t, &stub{}, cfg)
	for tag, want := range order {
		b := newBrowser(t, h)
		b.header.Set("Accept-Language", tag)
		inOrder(t, b.get(start).body, want...)
	}
}

func TestTemplatesAreReplaced(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Templates = template.Must(template.New("").Parse(
		`{{define "footer"}}<footer id="mine">{{call .Text "number.title"}}</footer>{{end}}{{define "head"}}<meta name="robots" content="noindex">{{end}}`))
	b := newBrowser(t, newHandler(t, &stub{}, cfg))
	b.get(start).expect(t, "number", `<footer id="mine">Forgot your password?</footer>`, `<meta name="robots" content="noindex">`)
}

func TestTemplateThatFailsIsAFailure(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Templates = template.Must(template.New("").Parse(`{{define "footer"}}{{.NoSuchField}}{{end}}`))
	if _, err := resetpage.New(&stub{}, cfg); err == nil {
		t.Error("the template was accepted: it would fail for each person instead")
	}
}

// The engine escapes as html/template does, and html/template could replace it.
func TestTemplatesRenderAsInTheStandardLibrary(t *testing.T) {
	t.Parallel()
	cfg := config()
	const evil = `"'><script>alert(1)</script>&\u2028{{.}}` + "`\x00"
	cfg.ServiceName = evil
	h := newHandler(t, &stub{}, cfg)
	for _, step := range []string{"number", "check", "code", "done", "notice"} {
		for _, field := range []string{"", "mobile", "code", "password"} {
			used, standard, err := resetpage.Render(h, step, func(p *resetpage.Page) {
				p.Number, p.Username, p.Code, p.Flow, p.Challenge, p.Title, p.Fault, p.FaultField, p.Status = evil, evil, evil, evil, evil, evil, evil, field, evil
				p.SignInURL, p.HelpURL, p.LogoURL, p.Wait, p.Sent = "javascript:alert(1)", evil, evil, 90, true
			})
			if err != nil {
				t.Fatal(err)
			}
			if used != standard || len(used) < 1000 {
				t.Errorf("the step %s differs:\n%s\nwant\n%s", step, used, standard)
			}
			if strings.Contains(used, "<script>alert") || strings.Contains(used, `"javascript:`) {
				t.Errorf("the step %s is not escaped:\n%s", step, used)
			}
		}
	}
}

// The page's texts are functions, which templates call with "call". The error for a template
// that uses them like methods says what to write, also where the first pages do not get.
func TestTemplateWithoutCallIsToldHow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{.Text "number.title"}}`:                  `1:21: .Text is a function: write {{call .Text "number.title"}}`,
		`{{.Rich "code.sent"}}`:                     `write {{call .Rich "code.sent"}}`,
		`{{.Part "wait.seconds" "{n}"}}`:            `write {{call .Part "wait.seconds" "{n}"}}`,
		`{{if .Status}}{{.Text "continue"}}{{end}}`: `write {{call .Text "continue"}}`,
		`{{with .Code}}{{$.Text "step"}}{{end}}`:    `write {{call $.Text "step"}}`,
		`{{with .Code}}{{else}}{{$p := .}}{{range .Languages}}{{$p.Text "step"}}{{end}}{{end}}`: `write {{call $p.Text "step"}}`,
		`{{printf "%s" (.Text "step")}}`:           `write {{call .Text "step"}}`,
		`{{if false}}{{printf "%s" .Text}}{{end}}`: `write {{printf "%s" (call .Text)}}`,
		`{{template "fault" .Rich "step"}}`:        `write {{call .Rich "step"}}`,
		`{{((.).Text "step")}}`:                    `write {{call (.).Text "step"}}`,
		`{{"step" | .Text}}`:                       `write {{"step" | call .Text}}`,
		`{{.Text}}`:                                `write {{call .Text}}`, // it would print an address
	} {
		cfg := config()
		cfg.Templates = footer(text)
		if _, err := resetpage.New(&stub{}, cfg); err == nil || !strings.HasPrefix(err.Error(), "resetpage: Config.Templates: footer: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
	cfg := config()
	cfg.Templates = footer(`{{call .Text "step"}}-{{call $.Text "step"}}-{{call (.).Text "step"}}-{{printf "%.6s" (call .Rich "step")}}-{{"step" | call .Text}}`)
	newBrowser(t, newHandler(t, &stub{}, cfg)).get(start).expect(t, "number", "Step 1 of 2-Step 1 of 2-Step 1 of 2-Step 1-Step 1 of 2")
}

// Every accent colour is readable: as text on the page, and under its own text.
func TestAccentHasContrast(t *testing.T) {
	t.Parallel()
	variables := regexp.MustCompile(`--accent:(#[0-9a-f]{6});--on-accent:(#[0-9a-f]{6})`)
	for _, accent := range []string{"#0a6b63", "#ffffff", "#000000", "#ffff00", "#ff0000", "#0000ff", "#00ff00", "#808080", "#ff69b4", "#123456", "#fedcba"} {
		cfg := config()
		cfg.Accent = accent
		b := newBrowser(t, newHandler(t, &stub{}, cfg))
		style := regexp.MustCompile(start + `/assets/style[^"]*`).FindString(b.get(start).body)
		found := variables.FindAllStringSubmatch(b.get(style).body, -1)
		if len(found) != 2 {
			t.Fatalf("%d schemes", len(found))
		}
		for i, ground := range []string{"#ffffff", "#1a1d23"} {
			if c := contrast(found[i][1], ground); c < 4.5 {
				t.Errorf("%s on %s: %s has a contrast of %.2f", accent, ground, found[i][1], c)
			}
			if c := contrast(found[i][1], found[i][2]); c < 4.5 {
				t.Errorf("%s under %s has a contrast of %.2f", found[i][1], found[i][2], c)
			}
		}
	}
}

func contrast(a, b string) float64 {
	luminance := func(hex string) (l float64) {
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, _ := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
			v := float64(n) / 255
			if v <= 0.04045 {
				l += weight * v / 12.92
			} else {
				l += weight * math.Pow((v+0.055)/1.055, 2.4)
			}
		}
		return l
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestInsecureCookies(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.InsecureCookies = true
	b := newBrowser(t, newHandler(t, &stub{}, cfg))
	for _, c := range b.ask(mobile).Cookies() {
		if c.Secure || strings.HasPrefix(c.Name, "__") || !c.HttpOnly {
			t.Errorf("cookie %s", c.Raw)
		}
	}
	if b.cookies["rekey-reset"] == "" {
		t.Errorf("cookies: %v", b.cookies)
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newHandler(t, &stub{}, config()))
	get, head := b.get(start), b.do(http.MethodHead, start, "", "")
	if head.StatusCode != 200 || head.body != "" || head.Header.Get("Content-Length") != fmt.Sprint(len(get.body)) {
		t.Errorf("%d %q %v", head.StatusCode, head.body, head.Header)
	}
}

// docs/reset-page-look.md lists the texts, with what each may hold.
func TestGuideListsTheTexts(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("\n| name | in English |\n|---|---|\n")
	en := resetpage.ShippedTexts()["en"]
	for _, name := range slices.Sorted(maps.Keys(en)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.ReplaceAll(en[name], "|", `\|`))
	}
	const guide = "../../docs/reset-page-look.md"
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "<!-- texts -->\n")
	table, after, foundEnd := strings.Cut(rest, "<!-- end of texts -->")
	if !found || !foundEnd {
		t.Fatal("the guide has no place for the texts")
	}
	if table == b.String() {
		return
	}
	if os.Getenv("REKEY_UPDATE") == "" {
		t.Fatal("the guide and the texts differ: run REKEY_UPDATE=1 go test -run TestGuideListsTheTexts ./httpadapter/resetpage")
	}
	if err := os.WriteFile(guide, []byte(before+"<!-- texts -->\n"+b.String()+"<!-- end of texts -->"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
