package main_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The table of flags in README.md equals the help.
func TestReadmeListsFlags(t *testing.T) {
	t.Parallel()
	help := mustRun(t, t.TempDir(), "", "serve", "-h")
	flags := regexp.MustCompile(`(?m)^  (-\S+) ?(.*?) +REKEY_[A-Z0-9_]+\n      (.*)$`).FindAllStringSubmatch(help, -1)
	settings := regexp.MustCompile(`(?m)^  (REKEY_\S+)\n      (.*)$`).FindAllStringSubmatch(help, -1)
	if len(flags) < 60 || len(settings) < 30 {
		t.Fatalf("help has %d flags and %d settings of providers", len(flags), len(settings))
	}
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	var b strings.Builder
	b.WriteString("\n| flag | |\n|---|---|\n")
	for _, f := range flags {
		b.WriteString("| `" + strings.TrimSpace(f[1]+" "+f[2]) + "` | " + cell(f[3]) + " |\n")
	}
	b.WriteString("\n## Settings of the providers\n\nIn the environment, or in a file that the variable with `_FILE` at its end names.\n\n| variable | |\n|---|---|\n")
	for _, s := range settings {
		b.WriteString("| `" + s[1] + "` | " + cell(s[2]) + " |\n")
	}
	checkReadme(t, "flags", b.String())
}

// The table of commands in README.md equals the help.
func TestReadmeListsCommands(t *testing.T) {
	t.Parallel()
	b := "\n| command | |\n|---|---|\n"
	for _, c := range helpOfCommands(t) {
		b += "| `" + c[1] + "` | " + strings.ReplaceAll(c[2], "|", `\|`) + " |\n"
	}
	checkReadme(t, "commands", b)
}

// readmeLock is held while a test writes README.md.
var readmeLock sync.Mutex

// checkReadme compares a part of README.md, between two comments, with what it must be.
func checkReadme(t *testing.T, part, want string) {
	t.Helper()
	readmeLock.Lock()
	defer readmeLock.Unlock()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head := "<!-- " + part + ": written by REKEY_UPDATE=1 go test -run TestReadme ./rekey -->\n"
	before, rest, found := strings.Cut(string(readme), head)
	is, after, foundEnd := strings.Cut(rest, "<!-- end -->")
	if !found || !foundEnd {
		t.Fatalf("README.md has no place for the %s", part)
	}
	if is == want {
		return
	}
	if os.Getenv("REKEY_UPDATE") == "" {
		t.Fatalf("the %s of README.md and help differ: run REKEY_UPDATE=1 go test -run TestReadme ./rekey", part)
	}
	if err := os.WriteFile("README.md", []byte(before+head+want+"<!-- end -->"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The commands of the repository's README work as it says, in its order.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, b := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(readme), -1) {
		lines = append(lines, strings.Split(strings.ReplaceAll(b[1], "\\\n", ""), "\n")...)
	}
	dir, code, counts := t.TempDir(), "", map[string]int{}
	var server *process
	for _, line := range lines {
		words := shellWords(line)
		stdin := ""
		if len(words) > 3 && words[0] == "echo" && words[2] == "|" {
			stdin, words = words[1]+"\n", words[3:]
		}
		switch {
		case len(words) == 0:
		case words[0] == "curl":
			status, answer := curl(t, words, server.addr, code)
			if status != http.StatusOK {
				t.Fatalf("%s: %d %s", line, status, answer)
			}
			if strings.HasSuffix(words[2], sendPath) {
				code = server.printedCode(t)
			}
			counts["curl"]++
		case slices.Equal(words[:3], []string{"go", "run", "./examples/rekey"}) && words[3] == "serve":
			args := words[4:]
			if i := slices.Index(args, "-addr"); i >= 0 {
				args = slices.Delete(args, i, i+2) // start picks a free port
			}
			server = start(t, dir, nil, args...)
			counts["serve"]++
		case slices.Equal(words[:3], []string{"go", "run", "./examples/rekey"}):
			mustRun(t, dir, stdin, words[3:]...)
			counts[words[3]]++
		}
	}
	if counts["client"] != 1 || counts["user"] != 2 || counts["serve"] != 1 || counts["curl"] != 2 {
		t.Errorf("commands run: %v", counts)
	}
	page := regexp.MustCompile("`(-page [^`]*)`").FindStringSubmatch(string(readme))
	if page == nil {
		t.Fatal("README.md does not show -page")
	}
	served := start(t, dir, nil, append([]string{"-sms", "console"}, strings.Fields(page[1])...)...)
	if response, _ := fetch(t, served.addr, "/reset-password"); response.StatusCode != http.StatusOK {
		t.Errorf("the page: %s", response.Status)
	}
}

// shellWords splits a command line of words and single-quoted words.
func shellWords(line string) (words []string) {
	for _, w := range regexp.MustCompile(`'([^']*)'|[^\s']+`).FindAllStringSubmatch(line, -1) {
		if w[1] != "" {
			words = append(words, w[1])
		} else {
			words = append(words, w[0])
		}
	}
	return words
}

// curl sends the request of a curl command to addr, with the code that was sent.
func curl(t *testing.T, words []string, addr, code string) (status int, answer string) {
	t.Helper()
	_, path, found := strings.Cut(strings.TrimPrefix(words[2], "http://"), "/")
	if words[1] != "-i" || !found {
		t.Fatalf("curl is called with %q", words)
	}
	var headers, body string
	for i := 3; i+1 < len(words); i += 2 {
		switch words[i] {
		case "-H":
			headers += words[i+1] + "\r\n"
		case "-d":
			body = strings.Replace(words[i+1], "123456\",\"password", code+"\",\"password", 1)
		default:
			t.Fatalf("curl has the option %q", words[i])
		}
	}
	conn := dial(t, addr)
	write(t, conn, fmt.Sprintf("POST /%s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n%s", path, addr, headers, len(body), body))
	return readAnswer(t, conn)
}

// printedCode waits for the code of an SMS on standard output.
func (p *process) printedCode(t *testing.T) string {
	t.Helper()
	digits := regexp.MustCompile(`\b\d{6}\b`)
	for timeout := time.After(patience); ; {
		if code := digits.FindString(p.out.String()); code != "" {
			return code
		}
		select {
		case <-p.out.wrote:
		case <-timeout:
			t.Fatalf("no code was printed: %q", p.out)
		}
	}
}
