package standardwebhooks_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/eventwebhook"
)

// directory is an environment variable that names a folder in which
// "npm install standardwebhooks@1.0.0" was run.
const directory = "REKEY_TEST_STANDARDWEBHOOKS"

const script = `
import { Webhook } from 'standardwebhooks';
import { readFileSync } from 'node:fs';
const { secrets, headers, body } = JSON.parse(readFileSync(0, 'utf8'));
const judge = (secret, body) => {
  try { return new Webhook(secret).verify(body, headers).type; } catch (e) { return e.message; }
};
process.stdout.write(JSON.stringify([...secrets.map((s) => judge(s, body)), judge(secrets[0], body + ' ')]));
`

// TestAgainstNpm has the npm package verify our request with each of two secrets. The
// package must refuse the request with another secret, and with another body.
func TestAgainstNpm(t *testing.T) {
	t.Parallel()
	folder := os.Getenv(directory)
	if folder == "" {
		t.Skipf("to run it, run \"npm install standardwebhooks@1.0.0\" in a folder and set %s to that folder", directory)
	}
	secrets := []identity.Secret{eventwebhook.NewSecret(), eventwebhook.NewSecret()}
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	hook, err := eventwebhook.New(eventwebhook.Config{URL: server.URL, Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	err = hook.Deliver(t.Context(), audit.Event{ID: "0190f8a0-0000-7000-8000-000000000001", At: time.Now(), Type: audit.PasswordReset, Agent: "浏览器 \"x\" </script>"})
	if err != nil {
		t.Fatal(err)
	}
	headers := make(map[string]string)
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		headers[name] = header.Get(name)
	}
	input, err := json.Marshal(map[string]any{
		"secrets": []string{secrets[0].Reveal(), secrets[1].Reveal(), eventwebhook.NewSecret().Reveal()}, "headers": headers, "body": string(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "rekey-test.mjs")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", file)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := `["password.reset","password.reset","No matching signature found","No matching signature found"]`; string(out) != want {
		t.Errorf("the package says %s, want %s", out, want)
	}
}
