package house_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The README's Go code is code that runs, to the letter.
func TestReadmeCodeRuns(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, "../../README.md"), -1)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of Go", len(blocks))
	}
	if source := read(t, "../../examples/embed/main.go"); !strings.Contains(source, blocks[0][1]) {
		t.Error("the README's Go code is not in examples/embed/main.go")
	}
}

// Each test that SECURITY.md names exists.
func TestSecurityTableNamesTests(t *testing.T) {
	t.Parallel()
	document := read(t, "../../SECURITY.md")
	named := regexp.MustCompile("`([a-z0-9/]+): ((?:Test|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(document, -1)
	if len(named) < 36 {
		t.Errorf("only %d tests named", len(named))
	}
	for _, n := range named {
		folder, name := n[1], n[2]
		entries, err := os.ReadDir("../../" + folder)
		if err != nil {
			t.Errorf("%s: %v", folder, err)
			continue
		}
		found := false
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), "_test.go") {
				found = found || strings.Contains(read(t, "../../"+folder+"/"+e.Name()), "func "+name+"(")
			}
		}
		if !found {
			t.Errorf("%s has no %s", folder, name)
		}
	}
}
