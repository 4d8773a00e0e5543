package house_test

import (
	"regexp"
	"strings"
	"testing"
)

// The README's Go code is code that runs, to the letter.
func TestReadmeCodeRuns(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of Go", len(blocks))
	}
	if source := read(t, "examples/embed/main.go"); !strings.Contains(source, blocks[0][1]) {
		t.Error("the README's Go code is not in examples/embed/main.go")
	}
}
