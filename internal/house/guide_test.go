package house_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The Go code in the guide is part of the example, which is tested.
func TestGuideShowsTheExample(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/ownusers/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no files")
	}
	var example strings.Builder
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		example.Write(content)
	}
	code := blocks(t, "docs/existing-users.md", "go")
	if len(code) < 5 {
		t.Errorf("only %d blocks of code", len(code))
	}
	for _, b := range code {
		if !strings.Contains(example.String(), b) {
			t.Errorf("not in examples/ownusers:\n%s", b)
		}
	}
}
