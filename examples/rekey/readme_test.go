package main_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The table of flags in README.md is what help says.
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
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(readme), "./rekey -->\n")
	table, after, foundEnd := strings.Cut(rest, "<!-- end -->")
	if !found || !foundEnd {
		t.Fatal("README.md has no place for the flags")
	}
	if table == b.String() {
		return
	}
	if os.Getenv("REKEY_UPDATE") == "" {
		t.Fatal("README.md and help differ: run REKEY_UPDATE=1 go test -run TestReadmeListsFlags ./rekey")
	}
	if err := os.WriteFile("README.md", []byte(before+"./rekey -->\n"+b.String()+"<!-- end -->"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
