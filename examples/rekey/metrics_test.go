package main_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// series are lines of Prometheus text: name, labels and value.
var series = regexp.MustCompile(`(?m)^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$`)

var label = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)

// labels lists all labels that the metrics may have, and the form of their values: no
// value identifies a person or is chosen by a caller.
var labels = map[string]string{
	"rekey_purpose": `[A-Z_]+`, "rekey_country": `[A-Z]{2}`, "rekey_provider": `webhook(-2)?`, "rekey_event": `[a-z.]+`, "rekey_outcome": `[a-z ]+`,
	"rekey_limit": `[a-z ]+`, "rekey_queue": `[a-z ]+`, "rekey_step": `[A-Za-z ]+`, "rekey_reason": `aborted|connection`, "rekey_lane": `code|notice|event`, "rekey_message": `[a-z_]+`,
	"db_operation_name": `[A-Za-z]+`, "error_type": `[a-z]+`, "le": `[0-9.+Inf]+`, "quantile": `[0-9.]+`, "version": `go[0-9.]+.*`,
	"service_name": `rekey`, "service_version": `.*`, "telemetry_sdk_language": `go`, "telemetry_sdk_name": `opentelemetry`, "telemetry_sdk_version": `[0-9.]+`,
}

// busy causes the events of a day: sends, a failover, guesses, a reset, logins,
// refusals, an event that the receiver never accepts. It returns the values that no
// label may contain.
func busy(t *testing.T, s *process, b *backend, phone *receiver) (canaries []string) {
	t.Helper()
	mustPost(t, s.addr, sendPath, sendBody)
	code := phone.next(t).Params["code"]
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) { // until the store knows which provider took it
		if strings.Contains(b.want(t, 200, "GET", "/metrics", ""), `rekey_outbox_pending{rekey_lane="code"} 0`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the delivery is not recorded")
		}
	}
	if status, _ := exchange(t, s.addr, sendPath, sendBody); status != http.StatusTooManyRequests {
		t.Errorf("a second send immediately after: %d", status)
	}
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	if status, _ := exchange(t, s.addr, resetPath, resetBody(wrong, newPassword)); status != http.StatusBadRequest {
		t.Errorf("a wrong code: %d", status)
	}
	mustPost(t, s.addr, resetPath, resetBody(code, newPassword))
	phone.next(t) // the notice
	check := func(status int, password string) {
		b.want(t, status, "POST", "/v1/passwords/check", fmt.Sprintf(`{"mobile":%q,"password":%q,"address":"192.0.2.77","client_id":%q,"device":"156aysdna213sac"}`, mobile, password, clientID))
	}
	check(200, newPassword)
	check(422, oldPassword)
	b.want(t, 201, "POST", "/v1/users", `{"id":"user-canary","tenant":"tenant-canary","mobile":"13912345678","password":"`+oldPassword+`","verified":true}`)
	b.want(t, 404, "GET", "/v1/users/nobody-canary", "")
	b.want(t, 404, "GET", "/v1/path-canary", "")
	if status, _ := get(t, "http://"+s.addr+"/path-canary?13912345678"); status != http.StatusNotFound {
		t.Errorf("an unknown path: %d", status)
	}
	return []string{"12345678901", "8901", "13912345678", "5678", code, wrong, oldPassword, newPassword, "156aysdna213sac", clientID, "192.0.2", "127.0.0.1",
		"canary", b.token, "backend", phone.URL}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	phone, broken := newReceiver(t), newReceiver(t)
	broken.down.Store(true)
	env := append(webhookEnv(), "REKEY_EVENTS_SECRET="+webhookSecret)
	s, b := startManaged(t, dir, env, "-sms", "webhook="+broken.URL, "-sms", "webhook="+phone.URL, "-events-webhook", broken.URL)
	canaries := busy(t, s, b, phone)
	text := b.want(t, 200, "GET", "/metrics", "")
	for _, want := range []string{
		`rekey_events_total{rekey_country="CN",rekey_event="code.sent",rekey_outcome="queued",rekey_purpose="FORGET_PWD_SMS"} 1`,
		`rekey_events_total{rekey_country="CN",rekey_event="password.reset",rekey_provider="webhook-2",rekey_purpose="FORGET_PWD_SMS"} 1`,
		`rekey_events_total{rekey_country="CN",rekey_event="reset.refused",rekey_outcome="`,
		`rekey_events_total{rekey_country="CN",rekey_event="login.refused",rekey_outcome="`,
		`rekey_limit_refusals_total{rekey_limit="`,
		`rekey_delivery_duration_seconds_count{rekey_country="CN",rekey_message="verify_code",rekey_outcome="accepted",rekey_provider="webhook-2",rekey_purpose="FORGET_PWD_SMS"} 1`,
		`rekey_delivery_wait_seconds_bucket{`,
		`rekey_hash_duration_seconds_count `, `rekey_hash_wait_seconds_count `, `rekey_hash_waiting 0`,
		`rekey_outbox_pending{rekey_lane="code"} 0`, `rekey_outbox_pending{rekey_lane="event"} 1`, `rekey_outbox_late_seconds{rekey_lane="notice"}`,
		`rekey_storage_duration_seconds_count{db_operation_name="RedeemCode"}`,
		`rekey_budget_used_ratio 0.00`,
		`rekey_provider_breaker_open_ratio{rekey_provider="webhook"}`, `rekey_provider_skipped_total{rekey_provider="webhook-2"} 0`,
		`go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	for _, line := range series.FindAllStringSubmatch(text, -1) {
		for _, l := range label.FindAllStringSubmatch(line[2], -1) {
			if form, known := labels[l[1]]; !known || !regexp.MustCompile(`^(?:`+form+`)$`).MatchString(l[2]) {
				t.Errorf("a label is not in the list: %s", line[0])
			}
		}
		for _, canary := range canaries {
			if strings.Contains(line[1]+line[2], canary) {
				t.Errorf("%q is in %s", canary, line[0])
			}
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// collector receives what an OpenTelemetry collector receives.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]string // bodies, by path
	key  string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{seen: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s of %s: %v", r.Method, r.URL, r.Header.Get("Content-Type"), err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seen[r.URL.Path] += string(body)
		c.key = r.Header.Get("X-Key")
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func TestOTLP(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]func(url string) (env, args []string){
		"flag": func(url string) (env, args []string) { return nil, []string{"-otlp-endpoint", url + "/base/"} },
		"environment": func(url string) (env, args []string) {
			return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + url + "/base", "OTEL_EXPORTER_OTLP_HEADERS=x-key=k1", "OTEL_SERVICE_NAME=rekey-staging"}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			seed(t, dir)
			phone, c := newReceiver(t), newCollector(t)
			env, args := where(c.URL)
			s, b := startManaged(t, dir, append(webhookEnv(), env...), append([]string{"-sms", "webhook=" + phone.URL}, args...)...)
			canaries := busy(t, s, b, phone)
			s.terminate(t) // data measured until then is still sent
			if code := s.wait(t); code != 0 {
				t.Fatalf("exit status %d: %s", code, s.logs)
			}
			if paths := slices.Sorted(maps.Keys(c.seen)); !slices.Equal(paths, []string{"/base/v1/metrics", "/base/v1/traces"}) {
				t.Fatalf("the collector got %v: %s", paths, s.logs)
			}
			metrics, traces := c.seen["/base/v1/metrics"], c.seen["/base/v1/traces"]
			service := map[string]string{"flag": "rekey", "environment": "rekey-staging"}[name]
			for _, want := range []string{"rekey.events", "password.reset", "rekey.hash.wait", "rekey.outbox.late", service} {
				if !strings.Contains(metrics, want) {
					t.Errorf("the metrics lack %s", want)
				}
			}
			for _, want := range []string{"HTTP POST", "rekey storage RedeemCode", "rekey hash", "rekey deliver verify_code", service} {
				if !strings.Contains(traces, want) {
					t.Errorf("the spans lack %s", want)
				}
			}
			if name == "environment" && c.key != "k1" {
				t.Errorf("the header is %q", c.key)
			}
			for _, canary := range canaries {
				if strings.Contains(metrics+traces, canary) && len(canary) > 4 { // four digits occur in times
					t.Errorf("%q is in the data that is sent", canary)
				}
			}
		})
	}
}

// While a collector is away, metrics are lost and nothing else fails.
func TestOTLPWithoutCollector(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	c := newCollector(t)
	c.Close()
	s := start(t, dir, nil, "-sms", "console", "-otlp-endpoint", c.URL)
	mustPost(t, s.addr, sendPath, sendBody)
	s.terminate(t)
	if code := s.wait(t); code != 0 || !strings.Contains(s.logs.String(), "telemetry failed") {
		t.Errorf("exit status %d: %s", code, s.logs)
	}
	for _, bad := range []string{"127.0.0.1:4318", "ftp://x", "http://"} {
		if r := run(t, dir, "", "serve", "-sms", "console", "-addr", "127.0.0.1:0", "-otlp-endpoint", bad); r.code != 2 || !strings.Contains(r.err, "-otlp-endpoint is not a URL") {
			t.Errorf("%s: exit status %d, %s", bad, r.code, r.err)
		}
	}
	if out := mustRun(t, dir, "", "config", "-sms", "console", "-otlp-endpoint", "https://user:pw-canary@c.example"); strings.Contains(out, "pw-canary") {
		t.Errorf("config shows a password: %s", out)
	}
}
