package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// program finds a program of Prometheus's.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("to run it, install %s, such as Debian's package prometheus", name)
	}
	return path
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool := program(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = "monitoring"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	tests, err := os.ReadFile("monitoring/alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if n := len(regexp.MustCompile(`alertname: `+alert[1]+`\b`).FindAllString(string(tests), -1)); n < 2 {
			t.Errorf("%s is tested %d times, want once in health and once with its symptom", alert[1], n)
		}
	}
}

// panels are the queries of the dashboard, by the panel's title.
func panels(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			found[p.Title+" "+target.RefID] = strings.NewReplacer("$__rate_interval", "1m", "$job", "rekey").Replace(target.Expr)
		}
	}
	return found
}

// emptyInHealth lists the queries that have no series until something fails, each with
// the reason.
var emptyInHealth = map[string]string{
	"RekeyStorageFails":   "no storage call has failed",
	"RekeyFaults":         "no step and no hook has failed",
	"Storage: failures A": "no storage call has failed",
	"Faults A":            "no step and no hook has failed",
}

// comparison is the part that turns an expression into an alert.
var comparison = regexp.MustCompile(` (>=|==|>|<) [0-9.]+`)

// A Prometheus reads a server under load. Each query of the dashboard and each rule,
// without its bound, finds series: no name of a metric or a label is wrong.
func TestDashboardAndRulesFindTheirSeries(t *testing.T) {
	t.Parallel()
	prometheus := program(t, "prometheus")
	dir := t.TempDir()
	seed(t, dir)
	phone, broken := newReceiver(t), newReceiver(t)
	broken.down.Store(true)
	s, b := startManaged(t, dir, webhookEnv(), "-sms", "webhook="+broken.URL, "-sms", "webhook="+phone.URL,
		"-failures-alarm", "1/1h", "-hash-concurrency", "1", "-hash-queue", "0")
	base := startPrometheus(t, prometheus, dir, b)

	busy(t, s, b, phone)
	crowd(t, b)
	b.want(t, 201, "POST", "/v1/users", `{"mobile":"12345678902","password":"`+oldPassword+`","verified":true}`)
	phone.down.Store(true) // from now on no provider accepts it
	mustPost(t, s.addr, sendPath, strings.ReplaceAll(sendBody, mobile, "12345678902"))
	receive(t, phone.refused, "a refused message")
	phone.down.Store(false)
	for deadline := time.Now().Add(patience); len(ask(t, base, `count_over_time(rekey_delivery_duration_seconds_count{error_type!=""}[1m]) > 3`)) == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("Prometheus does not read the server")
		}
	}
	queries := panels(t)
	for alert, expr := range alerts(t, base) {
		queries[alert] = comparison.ReplaceAllString(expr, "")
	}
	for name, query := range queries {
		n := len(ask(t, base, query))
		if reason, empty := emptyInHealth[name]; n == 0 && !empty {
			t.Errorf("%s finds nothing: %s", name, query)
		} else if n > 0 && empty {
			t.Errorf("%s finds something, although %s", name, reason)
		}
	}
}

// crowd makes more callers than the server admits at the same time, until one of them
// is turned away.
func crowd(t *testing.T, b *backend) {
	t.Helper()
	for range 20 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		turnedAway := false
		for i := range 8 {
			wg.Go(func() {
				status, _ := b.do(t, "POST", "/v1/passwords/check", fmt.Sprintf(`{"mobile":"1390000000%d","password":"x","address":"192.0.2.%d"}`, i, i))
				mu.Lock()
				defer mu.Unlock()
				turnedAway = turnedAway || status == http.StatusServiceUnavailable
			})
		}
		wg.Wait()
		if turnedAway {
			return
		}
	}
	t.Error("no caller was turned away")
}

// startPrometheus returns the address of a Prometheus that has loaded the rules and
// reads the server's metrics.
func startPrometheus(t *testing.T, program, dir string, b *backend) (base string) {
	t.Helper()
	rules, err := filepath.Abs("monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("global: {scrape_interval: 500ms}\nrule_files: [%q]\nscrape_configs:\n  - job_name: rekey\n    authorization: {credentials: %q}\n    static_configs: [{targets: [%q]}]\n",
		rules, b.token, strings.TrimPrefix(b.url, "http://"))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port: Prometheus does not tell which port it uses
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	out := &lockedBuffer{}
	cmd := exec.CommandContext(context.Background(), program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+addr)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	base = "http://" + addr
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get(base + "/-/ready"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return base
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("Prometheus does not start: %s", out)
		}
	}
}

// fromPrometheus returns the data of an answer of Prometheus's API.
func fromPrometheus(t *testing.T, address string, data any) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer := struct {
		Error string
		Data  any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Error != "" {
		t.Fatalf("%s: %v %s", address, err, answer.Error)
	}
}

// ask returns the series that a query finds.
func ask(t *testing.T, base, query string) []any {
	t.Helper()
	var data struct{ Result []any }
	fromPrometheus(t, base+"/api/v1/query?query="+url.QueryEscape(query), &data)
	return data.Result
}

// alerts returns the expressions of the rules as Prometheus reads them.
func alerts(t *testing.T, base string) map[string]string {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Query string }
		}
	}
	fromPrometheus(t, base+"/api/v1/rules", &data)
	found := map[string]string{}
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			found[r.Name] = r.Query
		}
	}
	if len(found) == 0 {
		t.Fatal("Prometheus has no rules")
	}
	return found
}
