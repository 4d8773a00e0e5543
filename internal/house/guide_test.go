package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The guide's Go code is code of the example, which is tested.
func TestGuideShowsTheExample(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/existing-users.md")
	if err != nil {
		t.Fatal(err)
	}
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
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	if len(blocks) < 5 {
		t.Errorf("only %d blocks of code", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(example.String(), b[1]) {
			t.Errorf("not in examples/ownusers:\n%s", b[1])
		}
	}
}
