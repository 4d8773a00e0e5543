package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block matches a fenced block of code: its language and its lines.
var block = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

func blocks(t *testing.T, document, language string) (found []string) {
	t.Helper()
	for _, b := range block.FindAllStringSubmatch(read(t, document), -1) {
		if b[1] == language {
			found = append(found, b[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no code block in %s", document, language)
	}
	return found
}

// The README's Go code is that of examples/embed, without its error checks.
func TestReadmeCodeRuns(t *testing.T) {
	t.Parallel()
	source := strings.ReplaceAll(read(t, "examples/embed/main.go"), "\tif err != nil {\n\t\treturn err\n\t}\n", "")
	for _, code := range blocks(t, "README.md", "go") {
		if !strings.Contains(source, code) {
			t.Error("the README's Go code is not in examples/embed/main.go")
		}
	}
}

func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	if words := len(strings.Fields(read(t, "README.md"))); words > 900 {
		t.Errorf("%d words, at most 900", words)
	}
}

// Each page of the docs can be read in one sitting: it has about 1,500 words or fewer.
func TestDocsPagesAreShort(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if words := len(strings.Fields(string(text))); words > 1800 {
			t.Errorf("%s has %d words, at most 1800: split it", page, words)
		}
	}
}

// Each command of the README is run by a test or by a step of CI. The commands of
// the single binary, and those that call it, are run by examples/rekey:
// TestReadmeCommands, and the demo by examples/quickstart: TestReadmeShowsTheOutput.
func TestReadmeCommandsAreRun(t *testing.T) {
	t.Parallel()
	elsewhere := regexp.MustCompile(`^(curl -i |echo '\S+' \| go run ./examples/rekey |go run ./examples/(rekey|quickstart)|  -|go get github.com/seed-16109ab2/rekey$)`)
	steps, err := filepath.Glob("../../.ci/steps/*")
	if err != nil {
		t.Fatal(err)
	}
	var run strings.Builder
	for _, s := range steps {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		run.Write(b)
	}
	commands := regexp.MustCompile("`(go (?:run|test|get) [^`]*)`").FindAllStringSubmatch(read(t, "README.md"), -1)
	for _, b := range blocks(t, "README.md", "sh") {
		for line := range strings.Lines(b) {
			if line = strings.TrimRight(line, "\n"); line != "" {
				commands = append(commands, []string{"", line})
			}
		}
	}
	for _, b := range blocks(t, "README.md", "console") {
		command, _, _ := strings.Cut(strings.TrimPrefix(b, "$ "), "\n")
		commands = append(commands, []string{"", command})
	}
	if len(commands) < 8 {
		t.Errorf("only %d commands found", len(commands))
	}
	for _, c := range commands {
		if !elsewhere.MatchString(c[1]) && !strings.Contains(run.String(), c[1]) {
			t.Errorf("no test and no step of .ci runs %q", c[1])
		}
	}
}
