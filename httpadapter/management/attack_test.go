package management_test

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/management"
)

func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// TestAttackTokens: only the Authorization header with the token lets a caller in.
func TestAttackTokens(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	_, other := newToken(t, "other", management.ScopeAll)
	digest := sha256.Sum256([]byte(a.token))
	for name, values := range map[string][]string{
		"missing": nil, "empty": {""}, "scheme alone": {"Bearer"}, "empty token": {"Bearer "}, "basic": {"Basic " + a.token},
		"no scheme": {a.token}, "other": {"Bearer rekey_mt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "shorter": {"Bearer " + a.token[:len(a.token)-1]},
		"longer": {"Bearer " + a.token + "A"}, "space before": {"Bearer  " + a.token}, "list": {"Bearer " + a.token + ", Bearer x"},
		"case": {"Bearer " + strings.ToUpper(a.token)}, "digest": {fmt.Sprintf("Bearer %x", digest)}, "digest line": {"Bearer sha256:" + fmt.Sprintf("%x", digest)},
		"other digest": {"Bearer " + string(other.Digest[:8])}, "huge": {"Bearer " + strings.Repeat("A", 100_000)},
		"twice": {"Bearer " + a.token, "Bearer " + a.token}, "right and wrong": {"Bearer " + a.token, "Bearer x"}, "wrong and right": {"Bearer x", "Bearer " + a.token},
	} {
		got := do(t, a.url, "", "GET", "/v1/users", "", func(r *http.Request) {
			for _, v := range values {
				v = strings.Map(func(r rune) rune {
					if r < ' ' || r > '~' {
						return 'x'
					}
					return r
				}, v)
				r.Header.Add("Authorization", v)
			}
		})
		if got.status != 401 || got.code() != "unauthorized" {
			t.Errorf("%s: answered %d %s", name, got.status, got.body)
		}
	}
	// A token in the URL, a cookie or the body does not count.
	do(t, a.url, "", "GET", "/v1/users?access_token="+a.token, "").want(t, 401, "unauthorized")
	do(t, a.url, "", "GET", "/v1/users", "", func(r *http.Request) { r.Header.Set("Cookie", "Authorization=Bearer "+a.token) }).want(t, 401, "unauthorized")
	do(t, a.url, a.token, "GET", "/v1/users", "", func(r *http.Request) { r.Header.Set("Authorization", "bEARER "+a.token) }).want(t, 200, "")
	if strings.Contains(a.log.String(), a.token) {
		t.Error("the log has the token")
	}
}

// TestAttackScopes: each call is refused to a token that has all scopes except the one
// it needs.
func TestAttackScopes(t *testing.T) {
	t.Parallel()
	for _, call := range management.Calls() {
		scope := management.ScopeOf(call[0], call[1])
		if scope == "" {
			continue
		}
		others := slices.DeleteFunc(management.Scopes(), func(s management.Scope) bool { return s == scope || s == management.ScopeAll })
		secret, token := newToken(t, "others", others...)
		h := management.NewWithService(always{err: errors.New("reached")}, management.Config{Tokens: management.Tokens{token}})
		do(t, serve(t, h), secret, call[0], strings.ReplaceAll(call[1], "{id}", "x"), bodies[call[0]+" "+call[1]]).want(t, 403, "forbidden")
	}
}

// TestAttackMasked: without the scope for numbers, no call shows a number in full.
func TestAttackMasked(t *testing.T) {
	t.Parallel()
	scopes := slices.DeleteFunc(management.Scopes(), func(s management.Scope) bool { return s == management.ScopeMobiles || s == management.ScopeAll })
	secret, token := newToken(t, "masked", scopes...)
	a := newAPI(t, management.Config{Tokens: management.Tokens{token}})
	u := a.User(mobile, password)
	for _, got := range []answer{
		do(t, a.url, secret, "GET", "/v1/users", ""), do(t, a.url, secret, "GET", "/v1/users/"+u.ID, ""),
		do(t, a.url, secret, "POST", "/v1/users/find", `{"mobile":"`+mobile+`"}`),
		do(t, a.url, secret, "POST", "/v1/passwords/check", check(mobile, password, "192.0.2.1")),
		do(t, a.url, secret, "PATCH", "/v1/users/"+u.ID, `{"disabled":false}`),
	} {
		if got.status != 200 || !strings.Contains(got.body, "+86*******8901") || strings.Contains(got.body, mobile) {
			t.Errorf("answered %d %s", got.status, got.body)
		}
	}
}

// TestAttackStolenToken: a token is valid only while its line is in the file.
func TestAttackStolenToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	stolen, old := newToken(t, "backend", management.ScopeAll)
	renewed, new := newToken(t, "backend", management.ScopeReadUsers)
	write("# tokens\n\n" + old.Line() + "\r\n" + new.Line() + "\n")
	tokens, err := management.TokenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, management.Config{Tokens: tokens})
	for _, token := range []string{stolen, renewed} {
		do(t, a.url, token, "GET", "/v1/users", "").want(t, 200, "")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	// The new file has the same length and time as before, so its metadata shows no
	// change.
	write("# tokens\n\n" + strings.Repeat("#", len(old.Line())) + "\r\n" + new.Line() + "\n")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	do(t, a.url, stolen, "GET", "/v1/users", "").want(t, 401, "unauthorized")
	do(t, a.url, renewed, "GET", "/v1/users", "").want(t, 200, "")
	// If the file cannot be read, every call is refused.
	write(new.Line() + "\nbroken\n")
	do(t, a.url, renewed, "GET", "/v1/users", "").want(t, 500, "failure")
	if !strings.Contains(a.log.String(), "line 2") {
		t.Errorf("the log does not name the line: %s", a.log.String())
	}
	write(new.Line())
	do(t, a.url, renewed, "GET", "/v1/users", "").want(t, 200, "")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	do(t, a.url, renewed, "GET", "/v1/users", "").want(t, 500, "failure")
}

func TestAttackTokenLines(t *testing.T) {
	t.Parallel()
	secret, good := newToken(t, "a", management.ScopeAll)
	for name, text := range map[string]string{
		"the token itself": "a all " + secret, "no scope": strings.Replace(good.Line(), "all ", "", 1), "unknown scope": strings.Replace(good.Line(), "all", "al", 1),
		"short digest": good.Line()[:len(good.Line())-2], "no scheme": strings.Replace(good.Line(), "sha256:", "", 1), "twice": good.Line() + "\n" + good.Line(),
		"digest of nothing": "a all sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "four parts": good.Line() + " x",
	} {
		if tokens, err := management.ParseTokens(text); err == nil || strings.Contains(err.Error(), secret) || tokens != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	back, err := management.ParseTokens("\ufeff" + good.Line())
	if err != nil || len(back) != 1 || back[0].Line() != good.Line() {
		t.Errorf("read back %v, %v", back, err)
	}
	for _, bad := range []string{"", "a b", "a\nb", "ü", strings.Repeat("a", 65)} {
		if _, _, err := management.NewToken(bad, management.ScopeAll); err == nil {
			t.Errorf("a token is named %q", bad)
		}
	}
	if _, _, err := management.NewToken("a", "everything"); err == nil {
		t.Error("a token has an unknown scope")
	}
}

// TestAttackTiming: the time of a refusal does not tell how many bytes of a digest are
// right. The comparison is that of crypto/subtle over all tokens; this test measures
// that the position of the token in the list does not show.
func TestAttackTiming(t *testing.T) {
	t.Parallel()
	var tokens management.Tokens
	var secrets []string
	for i := range 500 {
		secret, token := newToken(t, fmt.Sprint("t", i), management.ScopeReadClients)
		tokens, secrets = append(tokens, token), append(secrets, secret)
	}
	h := management.NewWithService(always{}, management.Config{Tokens: tokens})
	ask := func(token string) time.Duration {
		r := httptest.NewRequest("GET", "/v1/nothing", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		start := time.Now()
		h.ServeHTTP(w, r)
		return time.Since(start)
	}
	times := [2][]time.Duration{}
	for range 3000 {
		i := rand.IntN(2) // in random order, so that a slow moment affects both
		times[i] = append(times[i], ask(secrets[i*(len(secrets)-1)]))
	}
	median := func(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }
	first, last := median(times[0]), median(times[1])
	if first*2 < last || last*2 < first {
		t.Errorf("the first token takes %s, the last %s", first, last)
	}
}

// TestAttackPublicHandler: the public handler serves no route of the management API.
func TestAttackPublicHandler(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	public, err := httpadapter.New(a.Service, httpadapter.Options{ServeOpenAPI: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range management.Calls() {
		path := strings.ReplaceAll(call[1], "{id}", "x")
		if path == "/openapi.json" {
			continue
		}
		r := httptest.NewRequest(call[0], path, strings.NewReader(bodies[call[0]+" "+call[1]]))
		r.Header.Set("Authorization", "Bearer "+a.token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		public.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s %s: the public handler answers %d", call[0], path, w.Code)
		}
	}
}

// TestAttackHugeBodies: the size of a body is bounded, and the body of a caller without
// a token is not read.
func TestAttackHugeBodies(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	huge := `{"mobile":"` + strings.Repeat("1", 10<<20) + `"}`
	do(t, a.url, a.token, "POST", "/v1/users/find", huge).want(t, 413, "too_large")
	do(t, a.url, a.token, "POST", "/v1/users/find", huge, func(r *http.Request) { r.ContentLength = -1 }).want(t, 413, "too_large")
	body := &counted{}
	r := httptest.NewRequest("POST", "/v1/users/find", body)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if w.Code != 401 || body.read > 0 {
		t.Errorf("answered %d, read %d bytes", w.Code, body.read)
	}
	nested := `{"mobile":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`
	do(t, a.url, a.token, "POST", "/v1/users/find", nested).want(t, 400, "invalid_request")
}

type counted struct{ read int }

func (c *counted) Read(p []byte) (int, error) {
	c.read += len(p)
	return len(p), nil
}

// TestAttackSmuggling: a request that can be read in two ways is refused.
func TestAttackSmuggling(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	a.User(mobile, password)
	address := strings.TrimPrefix(a.url, "http://")
	raw := func(head, body string) string {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n"+body); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	auth := "Host: x\nAuthorization: Bearer " + a.token + "\nContent-Type: application/json\n"
	find := `{"mobile":"` + mobile + `"}`
	for name, c := range map[string]struct{ head, body, want string }{
		"two lengths":               {"POST /v1/users/find HTTP/1.1\n" + auth + "Content-Length: 27\nContent-Length: 5\n", find, " 400 "},
		"chunked by another name":   {"POST /v1/users/find HTTP/1.1\n" + auth + "Transfer-Encoding: xchunked\n", find, " 501 "},
		"compressed":                {"POST /v1/users/find HTTP/1.1\n" + auth + "Content-Encoding: gzip\nContent-Length: 27\n", find, " 415 "},
		"two types":                 {"POST /v1/users/find HTTP/1.1\n" + auth + "Content-Type: text/plain\nContent-Length: 27\n", find, " 415 "},
		"folded token":              {"POST /v1/users/find HTTP/1.1\nHost: x\nAuthorization: Bearer\n " + a.token + "\nContent-Length: 27\n", find, " 4"},
		"method by a header":        {"POST /v1/users/x HTTP/1.1\n" + auth + "X-HTTP-Method-Override: DELETE\nContent-Length: 2\n", "{}", " 405 "},
		"dots":                      {"GET /v1/clients/../users HTTP/1.1\n" + auth, "", " 404 "},
		"encoded dots":              {"GET /v1/clients/%2e%2e/users HTTP/1.1\n" + auth, "", " 404 "},
		"doubled slash":             {"GET //v1/users HTTP/1.1\n" + auth, "", " 404 "},
		"path of another form":      {"GET /v1/%75sers HTTP/1.1\n" + auth, "", " 404 "},
		"absolute form":             {"GET http://other/v1/users HTTP/1.1\n" + auth, "", " 200 "},
		"control character in id":   {"GET /v1/users/a%0ab HTTP/1.1\n" + auth, "", " 404 "},
		"preflight":                 {"OPTIONS /v1/users HTTP/1.1\n" + auth + "Origin: https://evil.example\n", "", " 405 "},
		"trace":                     {"TRACE /v1/users HTTP/1.1\n" + auth, "", " 405 "},
		"path by a proxy's header":  {"GET /v1/nothing HTTP/1.1\n" + auth + "X-Original-URL: /v1/users\nX-Rewrite-URL: /v1/users\n", "", " 404 "},
		"number in the address":     {"GET /v1/users?mobile=12345678901 HTTP/1.1\n" + auth, "", " 400 "},
		"parameter twice":           {"GET /v1/users?tenant=a&tenant=b HTTP/1.1\n" + auth, "", " 400 "},
		"parameter with semicolons": {"GET /v1/users?limit=1;after=x HTTP/1.1\n" + auth, "", " 400 "},
	} {
		if got := raw(c.head, c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s: answered %q, want %s", name, got, c.want)
		}
	}
	if strings.Contains(a.log.String(), "12345678901") || strings.Contains(a.log.String(), "a\\nb") {
		t.Error("the log has text from an address")
	}
}

// TestAttackJSON: a body has one meaning or is refused, and the refusal names the
// faulty field.
func TestAttackJSON(t *testing.T) {
	t.Parallel()
	a := newAPI(t, management.Config{})
	u := a.User(mobile, password)
	for body, pointer := range map[string]string{
		``: "#", `null`: "#", `[]`: "#", `"x"`: "#", `{"mobile":"1"}{}`: "#", `{"mobile":"1",}`: "#", "{\"mobile\":\"\xff\"}": "#/mobile",
		`{"Mobile":"` + mobile + `"}`: "#/Mobile", `{"mobile":"` + mobile + `","mobile":"12345678902"}`: "#/mobile", `{"mobile":null}`: "#/mobile",
		`{"mobile":12345678901}`: "#/mobile", `{"mobile":["` + mobile + `"]}`: "#/mobile", `{"mobile":{"a":1}}`: "#/mobile", `{"mobile":" "}`: "#/mobile",
		`{"mobile":"1\u0000"}`: "#/mobile", `{"mobile":"\ud800"}`: "#/mobile", `{"mobile":"` + mobile + `","tenant":7}`: "#/tenant",
		`{"mobile":"` + mobile + `","a/b~c":1}`: "#/a~1b~0c", `{"mobile":"` + strings.Repeat("1", 300) + `"}`: "#/mobile",
	} {
		got := a.do("POST", "/v1/users/find", body+" ").want(t, 400, "invalid_request")
		if !strings.Contains(got.body, `"pointer":"`+pointer+`"`) {
			t.Errorf("%s: answered %s, want the pointer %s", body, got.body, pointer)
		}
	}
	for _, body := range []string{`{"disabled":"true"}`, `{"disabled":1}`, `{"disabled":[true]}`, `{"verified":"2026-01-01"}`, `{"mobile":null}`, `{"disabled":null}`, `{"password_hash":"x"}`, `{"id":"x"}`} {
		a.do("PATCH", "/v1/users/"+u.ID, body).want(t, 400, "invalid_request")
	}
	for _, address := range []string{``, `x`, `192.0.2.1:80`, `fe80::1%eth0`, `192.0.2.0/24`, `192.0.2.1, 192.0.2.2`} {
		a.do("POST", "/v1/passwords/check", check(mobile, password, address)).want(t, 400, "invalid_request")
	}
	for _, limit := range []string{"0", "-1", "1001", "1e2", "", "99999999999999999999"} {
		a.do("GET", "/v1/users?limit="+url.QueryEscape(limit), "").want(t, 400, "invalid_request")
	}
	now, err := a.UserByID(t.Context(), "", u.ID)
	if err != nil || now != u {
		t.Errorf("the user changed: %+v", now)
	}
}

// TestAttackPanic: a panic is answered, and its value appears neither in the answer nor
// in the log.
func TestAttackPanic(t *testing.T) {
	t.Parallel()
	secret, token := newToken(t, "a", management.ScopeAll)
	log := &buffer{}
	h := management.NewWithService(nil, management.Config{Tokens: management.Tokens{token}, Logger: textLogger(log)})
	do(t, serve(t, h), secret, "GET", "/v1/users", "").want(t, 500, "failure")
	if !strings.Contains(log.String(), "panic with a value of type runtime.") {
		t.Errorf("log: %s", log.String())
	}
}
