package identity_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/sms"
)

// Both shipped languages fit one segment, with a name and the last line.
func TestShippedTextsFitOneSegment(t *testing.T) {
	t.Parallel()
	cfg := good()
	cfg.CodeLifetime, cfg.ServiceName, cfg.OriginDomain = 10*time.Minute, "Example", "example.com"
	svc, err := identity.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	lengths := svc.TextLengths()
	if len(lengths) != 6 { // two languages: two purposes and the notice
		t.Errorf("%d texts, want 6", len(lengths))
	}
	for _, l := range lengths {
		if l.Length.Segments != 1 {
			t.Errorf("%+v", l)
		}
	}
}

// The measured texts are the texts that are sent.
func TestTextLengthsMatchSentTexts(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.ServiceName, c.OriginDomain = "Bär", "example.com" })
	f.User(number, oldPassword)
	f.SendCode(number)
	m := next(t, f)
	want := map[sms.Kind]sms.Length{}
	for _, l := range f.TextLengths() {
		if l.Language == m.Language && (l.Purpose == identity.PurposeForgotPassword || l.Kind == sms.KindPasswordChanged) {
			want[l.Kind] = l.Length
		}
	}
	if d := cmp.Diff(want[m.Kind], sms.Measure(m.Text)); d != "" {
		t.Error(d)
	}
	if err := reset(f, f.Caller(), m.Params["code"], newPassword); err != nil {
		t.Fatal(err)
	}
	m = next(t, f)
	if d := cmp.Diff(want[sms.KindPasswordChanged], sms.Measure(m.Text)); d != "" {
		t.Error(d)
	}
	if strings.Contains(m.Text, "@") {
		t.Errorf("a notice has no code to offer: %q", m.Text)
	}
}

func next(t *testing.T, f *identitytest.Fixture) sms.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m, err := f.SMS.Next(ctx, e164)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLastLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		configure func(*identity.Config)
		want      func(code string) string
	}{
		"none":    {func(*identity.Config) {}, func(code string) string { return code + " is your code" }},
		"origin":  {func(c *identity.Config) { c.OriginDomain = "login.example.com" }, func(code string) string { return "@login.example.com #" + code }},
		"android": {func(c *identity.Config) { c.AndroidAppHash = "FA+9qCX9VSu" }, func(string) string { return "FA+9qCX9VSu" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := identitytest.New(t, tt.configure)
			f.User(number, oldPassword)
			f.SendCode(number)
			m := next(t, f)
			last := m.Text[strings.LastIndex(m.Text, "\n")+1:]
			if want := tt.want(m.Params["code"]); !strings.HasPrefix(last, want) {
				t.Errorf("the last line is %q, want %q", last, want)
			}
		})
	}
}

// A name and a date in Latin letters keep their order in a text that runs from
// right to left; the code stays bare.
func TestRightToLeft(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"ar": "\u2068Acme\u2069: 123456", "he-IL": "\u2068Acme\u2069: 123456", "en": "Acme: 123456"} {
		f := identitytest.New(t, func(c *identity.Config) {
			c.Texts = identity.Texts{lang: {Prefix: "{service}: ", Code: map[identity.Purpose]string{"": "{code}"}, PasswordChanged: "{time}"}}
			c.DefaultLanguage, c.ServiceName = lang, "Acme"
		})
		f.User(number, oldPassword)
		f.SendCode(number)
		m := next(t, f)
		if got := strings.ReplaceAll(m.Text, m.Params["code"], "123456"); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

// Each of these texts would change what the person sees, or what a browser offers to
// fill in.
func TestTextsThatAreRefused(t *testing.T) {
	t.Parallel()
	text := func(code string) func(*identity.Config) {
		return func(c *identity.Config) {
			c.Texts = identity.Texts{"en": {Code: map[identity.Purpose]string{"": code}, PasswordChanged: "x"}}
		}
	}
	for name, tt := range map[string]struct {
		configure func(*identity.Config)
		want      string
	}{
		"override in a text":      {text("\u202e{code}"), "bidirectional"},
		"isolate in a text":       {text("\u2067{code}"), "bidirectional"},
		"control in a text":       {text("{code}\x07"), "control characters"},
		"invalid UTF-8 in a text": {text("{code}\xff"), "invalid UTF-8"},
		"override in the name":    {func(c *identity.Config) { c.ServiceName = "a\u202eb" }, "ServiceName"},
		"line break in the name":  {func(c *identity.Config) { c.ServiceName = "a\n@evil.example #1" }, "ServiceName"},
		"scheme in the domain":    {func(c *identity.Config) { c.OriginDomain = "https://example.com" }, "OriginDomain"},
		"port in the domain":      {func(c *identity.Config) { c.OriginDomain = "example.com:8443" }, "OriginDomain"},
		"upper case":              {func(c *identity.Config) { c.OriginDomain = "Example.com" }, "OriginDomain"},
		"not ASCII":               {func(c *identity.Config) { c.OriginDomain = "exämple.com" }, "OriginDomain"},
		"an address":              {func(c *identity.Config) { c.OriginDomain = "192.0.2.1" }, "OriginDomain"},
		"line break in domain":    {func(c *identity.Config) { c.OriginDomain = "example.com\n" }, "OriginDomain"},
		"short hash":              {func(c *identity.Config) { c.AndroidAppHash = "FA+9qCX9VS" }, "AndroidAppHash"},
		"line break in hash":      {func(c *identity.Config) { c.AndroidAppHash = "FA+9qCX9VS\n" }, "AndroidAppHash"},
		"both last lines":         {func(c *identity.Config) { c.OriginDomain, c.AndroidAppHash = "example.com", "FA+9qCX9VSu" }, "both set"},
	} {
		cfg := good()
		tt.configure(&cfg)
		if _, err := identity.New(cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, tt.want)
		}
	}
	cfg := good()
	text("{code}\n\u200e{minutes}")(&cfg) // a line break and a mark do no harm
	if _, err := identity.New(cfg); err != nil {
		t.Error(err)
	}
}

func TestRunReportsLongTexts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cfg := good()
	cfg.Logger = slog.New(slog.NewJSONHandler(&out, nil))
	cfg.Texts = identity.Texts{"en": {Code: map[identity.Purpose]string{"": "{code} 码" + strings.Repeat("x", 70)}, PasswordChanged: "short"}}
	svc, err := identity.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := svc.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "more than one segment"); n != 1 || !strings.Contains(out.String(), `"encoding":"UCS-2"`) {
		t.Errorf("logged: %s", out.String())
	}
}

// The notice says whom to ask for help: the contact, or support in general.
func TestContactInTheNotice(t *testing.T) {
	t.Parallel()
	for contact, want := range map[string]string{
		"":                "Your password was changed at TIME. If this was not you, set a new one now and contact support.",
		"+86 400 123 456": "Your password was changed at TIME. If this was not you, set a new one now and contact +86 400 123 456.",
	} {
		f := identitytest.New(t, func(c *identity.Config) { c.SupportContact = contact })
		f.User(number, oldPassword)
		f.SendCode(number)
		if err := reset(f, f.Caller(), next(t, f).Params["code"], newPassword); err != nil {
			t.Fatal(err)
		}
		m := next(t, f)
		if got := strings.Replace(m.Text, m.Params["time"], "TIME", 1); got != want {
			t.Errorf("with contact %q the notice is %q", contact, got)
		}
	}
}
