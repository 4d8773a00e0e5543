package main_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The loop of a backend that is not written in Go: loop/loop.sh.
func TestLoopWithCurl(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "jq", "openssl", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed; loop/loop.sh needs bash, curl, jq, openssl and python3, which .ci/services-loop installs", program)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "loop/loop.sh", binary)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if steps := strings.Count(string(out), "ok: "); err != nil || steps != 6 || !strings.HasSuffix(string(out), "ok: the user is erased\n") {
		t.Errorf("%d steps, %v:\n%s", steps, err, out)
	}
}

// A TypeScript client that is generated from the OpenAPI documents compiles strictly
// and performs a reset.
func TestGeneratedTypeScriptClient(t *testing.T) {
	t.Parallel()
	modules := os.Getenv("REKEY_TEST_TYPESCRIPT")
	if modules == "" {
		t.Skip("set REKEY_TEST_TYPESCRIPT to a folder in which npm has installed client-typescript/package-lock.json, as .ci/services-typescript does")
	}
	project := t.TempDir()
	for _, name := range []string{"package.json", "tsconfig.json", "reset.ts"} {
		writeFile(t, filepath.Join(project, name), readFile(t, filepath.Join("client-typescript", name)), 0o600)
	}
	dir := t.TempDir()
	phone := newReceiver(t)
	s, b := startManaged(t, dir, webhookEnv(), "-sms", "webhook="+phone.URL, "-openapi")
	for name, url := range map[string]string{"public.json": "http://" + s.addr, "management.json": b.url} {
		status, document := get(t, url+"/openapi.json")
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", name, status, document)
		}
		writeFile(t, filepath.Join(project, name), document, 0o600)
	}
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(project, "node_modules")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, script := range []string{"generate", "build"} {
		cmd := exec.CommandContext(ctx, "npm", "run", script)
		cmd.Dir = project
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm run %s: %v\n%s", script, err, out)
		}
	}

	client := exec.CommandContext(ctx, "node", "out/reset.js")
	client.Dir = project
	client.Env = []string{"PATH=" + os.Getenv("PATH"), "REKEY_PUBLIC_URL=http://" + s.addr, "REKEY_MANAGEMENT_URL=" + b.url, "REKEY_TOKEN=" + b.token}
	var errs lockedBuffer
	client.Stderr = &errs
	in, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last = lines.Text(); last == "code?" {
			_, _ = fmt.Fprintln(in, phone.next(t).Params["code"])
		}
	}
	if err := client.Wait(); err != nil || last != "reset and erased" {
		t.Errorf("the client ended with %v after %q:\n%s", err, last, &errs)
	}
}
