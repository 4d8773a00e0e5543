package captcha_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/captcha"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/puzzle"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

const (
	sendPath = "/api/v2/sdk/sms/send"
	owner    = "12345678901"
	stranger = "13800138000"
)

var secret = identity.NewSecret(strings.Repeat("s", 32))

// deployment is a service behind a CAPTCHA, with the routes of both kinds.
type deployment struct {
	*identitytest.Fixture
	server *httptest.Server
	store  *failing
	routes []httpadapter.Route
	t      *testing.T
}

func deploy(t *testing.T, proofOfWork bool, configure ...func(*captcha.Config)) *deployment {
	t.Helper()
	store := &failing{Store: memory.New()}
	d := &deployment{t: t, store: store}
	clock := identitytest.NewClock(time.Now())
	work, err := altcha.New(altcha.Config{Secret: secret, Counter: store, Levels: []altcha.Difficulty{{Iterations: 100, Numbers: 20}}, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	puzzles, err := puzzle.New(puzzle.Config{Secret: secret, Counter: store, Tolerance: 10, Now: clock.Now, Concurrency: 64})
	if err != nil {
		t.Fatal(err)
	}
	d.Fixture = identitytest.New(t, func(c *identity.Config) {
		c.Store, c.Now, c.Captcha = store, clock.Now, puzzles
		if proofOfWork {
			c.Captcha = work
		}
	})
	d.Clock = clock
	cfg := captcha.Config{
		Service: d.Service, Puzzles: puzzles, Altcha: work, Counter: store, Now: clock.Now, PerAddress: []limit.Rate{{Limit: 10_000, Per: time.Hour}},
	}
	for _, c := range configure {
		c(&cfg)
	}
	routes, err := captcha.Routes(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d.routes = routes
	served.Lock()
	served.routes = routes
	served.Unlock()
	h, err := httpadapter.New(d.Service, httpadapter.Options{
		Routes: routes, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, AddressHeader: "X-Forwarded-For",
	})
	if err != nil {
		t.Fatal(err)
	}
	d.server = httptest.NewServer(h)
	t.Cleanup(d.server.Close)
	return d
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) code() string {
	var e struct {
		Code string `json:"error_code"`
	}
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Code
}

func (d *deployment) ask(method, path, body string, change ...func(http.Header)) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.server.URL+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json;charset=utf8", "X-operating-sys-version": "Android 10", "X-device-fingerprint": "156aysdna213sc50",
		"X-agent": "Mozilla/5.0", "X-client-id": identitytest.ClientID,
	} {
		r.Header.Set(name, value)
	}
	for _, c := range change {
		c(r.Header)
	}
	resp, err := d.server.Client().Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		d.t.Errorf("%s: Cache-Control is %q", path, got)
	}
	a := answer{resp.StatusCode, resp.Header, string(text)}
	produced(path, a)
	return a
}

func (d *deployment) want(what string, a answer, status int, code string) {
	d.t.Helper()
	if a.status != status || a.code() != code {
		d.t.Errorf("%s: answered %d %s, want %d %s", what, a.status, a.body, status, code)
	}
}

func set(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
func del(name string) func(http.Header)        { return func(h http.Header) { h.Del(name) } }

func (d *deployment) puzzleToken() string {
	d.t.Helper()
	a := d.ask(http.MethodGet, captcha.PathPuzzle, "")
	var p struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Token == "" {
		d.t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return p.Token
}

func verifyBody(point, token, sender string) string {
	return fmt.Sprintf(`{"point_json":%s,"token":%q,"sender":%q}`, point, token, sender)
}

// solved guesses at puzzles until one fits, which takes eight on average.
func (d *deployment) solved(sender string) string {
	d.t.Helper()
	for range 500 {
		a := d.ask(http.MethodPost, captcha.PathVerify, verifyBody(`"{\"x\":180.0,\"y\":5.0}"`, d.puzzleToken(), sender))
		if a.status == http.StatusOK {
			var v map[string]string
			if err := json.Unmarshal([]byte(a.body), &v); err != nil || len(v) != 1 {
				d.t.Fatalf("%s: %v", a.body, err)
			}
			return v["captcha_token"]
		}
		d.want("a guess", a, 400, "CAPTCHA.0002")
	}
	d.t.Fatal("no puzzle could be guessed")
	return ""
}

func (d *deployment) send(mobile, token string) answer {
	d.t.Helper()
	return d.ask(http.MethodPost, sendPath, fmt.Sprintf(`{"mobile":%q,"type":"FORGET_PWD_SMS","captcha_token":%q}`, mobile, token))
}

// The answer has the fields that clients of the family look for, to the letter.
func TestPuzzleWireForm(t *testing.T) {
	t.Parallel()
	d := deploy(t, false)
	a := d.ask(http.MethodGet, captcha.PathPuzzle, "", del("Content-Type"))
	if a.status != 200 || a.header.Get("Content-Type") != "application/json;charset=utf8" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.body), &fields); err != nil {
		t.Fatal(err)
	}
	for _, null := range []string{
		"projectCode", "captchaOriginalPath", "captchaFontType", "captchaFontSize", "secretKey",
		"point", "wordList", "pointList", "pointJson", "captchaVerification",
	} {
		if string(fields[null]) != "null" {
			t.Errorf("%s is %s", null, fields[null])
		}
	}
	if string(fields["result"]) != "false" || len(fields) != 15 {
		t.Errorf("result is %s, there are %d fields", fields["result"], len(fields))
	}
	var images struct {
		CaptchaID           string `json:"captchaId"`
		OriginalImageBase64 []byte `json:"originalImageBase64"`
		JigsawImageBase64   []byte `json:"jigsawImageBase64"`
		Token               string `json:"token"`
	}
	if err := json.Unmarshal([]byte(a.body), &images); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{images.OriginalImageBase64, images.JigsawImageBase64} {
		if i, err := png.Decode(bytes.NewReader(b)); err != nil || i.Bounds().Dy() != 155 {
			t.Errorf("an image: %v", err)
		}
	}
	if images.CaptchaID == "" || images.Token == "" || strings.Contains(images.Token, "---") {
		t.Errorf("id %q, token %q", images.CaptchaID, images.Token)
	}
}

// The whole flow: get a puzzle, answer it, send the code.
func TestPuzzleThenSend(t *testing.T) {
	t.Parallel()
	d := deploy(t, false)
	token := d.solved("+86 123 4567 8901")
	if !regexp.MustCompile(`^[A-Za-z0-9+/]+---\{"x":180\.0,"y":5\.0\}$`).MatchString(token) {
		t.Errorf("the token is %s", token)
	}
	d.want("another number", d.send(stranger, token), 400, "CAPTCHA.0002")
	d.want("none", d.send(owner, ""), 400, "SDK.COMMON.1001")
	if a := d.send(owner, token); a.status != 200 || a.body != "" {
		t.Errorf("its number: %d %s", a.status, a.body)
	}
	d.want("again", d.send(owner, token), 400, "CAPTCHA.0003")
	late := d.solved(owner)
	d.Clock.Advance(3 * time.Minute)
	d.want("late", d.send(owner, late), 400, "CAPTCHA.0003")
}

func TestVerify(t *testing.T) {
	t.Parallel()
	d := deploy(t, false)
	const good = `"{\"x\":180.0,\"y\":5.0}"`
	ask := func(body string) answer { return d.ask(http.MethodPost, captcha.PathVerify, body) }
	// A readable point is right or wrong. A point that cannot be read is malformed.
	for point, codes := range map[string][]string{
		good:                  {"", "CAPTCHA.0002"},
		`{"x":180.0,"y":5.0}`: {"", "CAPTCHA.0002"},
		`{"x":180,"y":5}`:     {"", "CAPTCHA.0002"},
		`"{\"x\":180.0,\"y\":5.0,\"t\":\"more\"}"`: {"", "CAPTCHA.0002"},
		`"{\"x\":180.0,\"y\":6.0}"`:                {"CAPTCHA.0002"},
		`"{\"x\":-1e300,\"y\":5.0}"`:               {"CAPTCHA.0002"},
		`"{\"x\":180.0}"`:                          {"SDK.COMMON.1002"},
		`{}`:                                       {"SDK.COMMON.1002"},
		`"{\"x\":\"180\",\"y\":5.0}"`:              {"SDK.COMMON.1002"},
		`"{\"x\":null,\"y\":5.0}"`:                 {"SDK.COMMON.1002"},
		`"{\"x\":1e999,\"y\":5.0}"`:                {"SDK.COMMON.1002"},
		`"{\"x\":NaN,\"y\":5.0}"`:                  {"SDK.COMMON.1002"},
		`"{\"x\":180.0,\"y\":5.0}{}"`:              {"SDK.COMMON.1002"},
		`"aGVsbG8="`:                               {"SDK.COMMON.1002"}, // encrypted by a client that has a key from elsewhere
		`""`:                                       {"SDK.COMMON.1001"},
		`null`:                                     {"SDK.COMMON.1001"},
		`180`:                                      {"SDK.COMMON.1007"},
		`[180,5]`:                                  {"SDK.COMMON.1007"},
	} {
		a := ask(verifyBody(point, d.puzzleToken(), owner))
		if !slices.Contains(codes, a.code()) || strings.HasPrefix(a.code(), "SDK.") && !strings.Contains(a.body, "point_json") {
			t.Errorf("%s: answered %d %s, want one of %q", point, a.status, a.body, codes)
		}
	}
	d.want("no token", ask(`{"point_json":"{}","sender":"12345678901"}`), 400, "SDK.COMMON.1001")
	d.want("no sender", ask(`{"point_json":"{}","token":"t"}`), 400, "SDK.COMMON.1001")
	d.want("token of a number", ask(`{"point_json":"{}","token":1,"sender":"12345678901"}`), 400, "SDK.COMMON.1007")
	d.want("token twice", ask(`{"point_json":"{}","token":"a","token":"b","sender":"12345678901"}`), 400, "SDK.COMMON.1002")
	d.want("no such token", ask(verifyBody(good, "AAAA", owner)), 400, "CAPTCHA.0002")
	d.want("no number", ask(verifyBody(good, d.puzzleToken(), "110")), 400, "USER.0038")

	used := d.puzzleToken()
	d.want("a wrong point", ask(verifyBody(`{"x":0,"y":5.0}`, used, owner)), 400, "CAPTCHA.0002")
	d.want("a second try", ask(verifyBody(good, used, owner)), 400, "CAPTCHA.0003")
	old := d.puzzleToken()
	d.Clock.Advance(2 * time.Minute)
	d.want("too late", ask(verifyBody(good, old, owner)), 400, "CAPTCHA.0003")
}

// A number that cannot be read does not use up the person's puzzle.
func TestMalformedCostsNoPuzzle(t *testing.T) {
	t.Parallel()
	d := deploy(t, false)
	token := d.puzzleToken()
	d.want("no number", d.ask(http.MethodPost, captcha.PathVerify, verifyBody(`{"x":0,"y":5.0}`, token, "110")), 400, "USER.0038")
	d.want("malformed", d.ask(http.MethodPost, captcha.PathVerify, verifyBody(`{"x":0}`, token, owner)), 400, "SDK.COMMON.1002")
	d.want("then a try", d.ask(http.MethodPost, captcha.PathVerify, verifyBody(`{"x":0,"y":5.0}`, token, owner)), 400, "CAPTCHA.0002")
}

func TestChallengeThenSend(t *testing.T) {
	t.Parallel()
	d := deploy(t, true)
	challenge := d.ask(http.MethodPost, captcha.PathChallenge, `{"mobile":"123-4567-8901","type":"FORGET_PWD_SMS"}`)
	if challenge.status != 200 || strings.Contains(challenge.body, owner) {
		t.Fatalf("%d %s", challenge.status, challenge.body)
	}
	token, err := altcha.Solve(t.Context(), []byte(challenge.body))
	if err != nil {
		t.Fatal(err)
	}
	d.want("another number", d.send(stranger, token), 400, "CAPTCHA.0002")
	d.want("its number", d.send(owner, token), 200, "")
	d.want("again", d.send(owner, token), 400, "CAPTCHA.0003")
	for body, code := range map[string]string{
		`{"mobile":"110","type":"FORGET_PWD_SMS"}`: "USER.0038", `{"mobile":"12345678901","type":"X"}`: "SDK.COMMON.1002",
		`{"mobile":"12345678901"}`: "SDK.COMMON.1001", `{}`: "SDK.COMMON.1001", `[]`: "SDK.COMMON.1002",
	} {
		d.want(body, d.ask(http.MethodPost, captcha.PathChallenge, body), 400, code)
	}
}

// The routes apply the documented rules for headers.
func TestHeaders(t *testing.T) {
	t.Parallel()
	d := deploy(t, false)
	for _, r := range routes {
		d.want(r.path+" without a client", d.ask(r.method, r.path, r.body, del("X-client-id")), 400, "APP.0002")
		d.want(r.path+" of an unknown client", d.ask(r.method, r.path, r.body, set("X-client-id", "nobody")), 400, "APP.0001")
		d.want(r.path+" without a device", d.ask(r.method, r.path, r.body, del("X-device-fingerprint")), 400, "SDK.COMMON.1003")
		other := map[string]string{http.MethodGet: http.MethodPost, http.MethodPost: http.MethodGet}[r.method]
		a := d.ask(other, r.path, r.body)
		d.want(r.path+" by "+other, a, 405, "SDK.COMMON.1002")
		if !strings.HasPrefix(a.header.Get("Allow"), r.method) {
			t.Errorf("%s: Allow is %q", r.path, a.header.Get("Allow"))
		}
	}
	d.want("another type", d.ask(http.MethodPost, captcha.PathVerify, "{}", set("Content-Type", "text/plain")), 415, "SDK.COMMON.1002")
}

// Requests that cost the server CPU time and the caller nothing are counted by address.
func TestPerAddress(t *testing.T) {
	t.Parallel()
	d := deploy(t, false, func(c *captcha.Config) { c.PerAddress = []limit.Rate{{Limit: 3, Per: time.Minute}} })
	get := func(address string) answer {
		return d.ask(http.MethodGet, captcha.PathPuzzle, "", set("X-Forwarded-For", address))
	}
	challenge := func(address string) answer {
		return d.ask(http.MethodPost, captcha.PathChallenge, `{"mobile":"12345678901","type":"FORGET_PWD_SMS"}`, set("X-Forwarded-For", address))
	}
	d.want("first", get("2001:db8::1"), 200, "")
	d.want("second", challenge("2001:db8::2"), 200, "")
	d.want("third", get("2001:db8::3:4"), 200, "")
	for _, a := range []answer{get("2001:db8::5"), challenge("2001:db8::6")} {
		d.want("fourth of a network", a, 429, "SDK.COMMON.1008")
		if a.header.Get("Retry-After") != "60" {
			t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
		}
	}
	d.want("another network", get("2001:db8:0:1::1"), 200, "")
	d.want("another address", get("192.0.2.1"), 200, "")
	d.Clock.Advance(time.Minute)
	d.want("later", get("2001:db8::5"), 200, "")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, err := captcha.Routes(captcha.Config{PerAddress: []limit.Rate{{}}})
	for _, want := range []string{"Service is missing", "Puzzles and Altcha", "Counter is missing", "PerAddress"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
