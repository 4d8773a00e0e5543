package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named matches "folder: TestName" and "TestName" in backquotes.
var named = regexp.MustCompile("`(?:([a-z0-9/]+): )?((?:Test|Fuzz|Example|Benchmark)[A-Za-z0-9_]+)`")

// passages separates paragraphs, and the rows of tables.
var passages = regexp.MustCompile(`\n\n|\n\|`)

// Each test that a document names exists in the folder that the document names. A name
// without a folder belongs to the last folder before it in the same paragraph or row.
func TestDocumentsNameTests(t *testing.T) {
	t.Parallel()
	least := map[string]int{"docs/threats.md": 100, "README.md": 3}
	for _, path := range documents(t) {
		count := 0
		for _, passage := range passages.Split(read(t, path), -1) {
			folder := ""
			for _, n := range named.FindAllStringSubmatch(passage, -1) {
				if n[1] != "" {
					folder = n[1]
				}
				if folder == "" {
					continue // the passage names no folder, so this is not one of our tests
				}
				count++
				if !hasTest(t, folder, n[2]) {
					t.Errorf("%s: %s has no %s", path, folder, n[2])
				}
			}
		}
		if count < least[path] {
			t.Errorf("%s names only %d tests", path, count)
		}
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob("../../" + folder + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "func "+name+"(") {
			return true
		}
	}
	return false
}
