package house_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// documents lists the repository's Markdown files, with paths relative to its root.
func documents(t *testing.T) (found []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("../.."), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case strings.HasSuffix(p, ".md"):
			found = append(found, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("only %d documents", len(found))
	}
	return found
}

// read returns a file of the repository. path is relative to its root.
func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	fences   = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)
	headings = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped  = regexp.MustCompile(`[^\p{L}\p{N}\-_ ]`)
)

// Each relative link of a document leads to a file, and its anchor to a heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		for _, link := range links.FindAllStringSubmatch(fences.ReplaceAllString(read(t, document), ""), -1) {
			address := link[1] + link[2]
			if strings.Contains(address, ":") {
				continue // another site
			}
			file, anchor, _ := strings.Cut(address, "#")
			target := document
			if file != "" {
				target = path.Join(path.Dir(document), file)
			}
			info, err := os.Stat("../../" + target)
			if err != nil {
				t.Errorf("%s: %s leads nowhere", document, address)
				continue
			}
			if anchor != "" && (info.IsDir() || !hasHeading(read(t, target), anchor)) {
				t.Errorf("%s: %s has no heading for the anchor", document, address)
			}
		}
	}
}

// hasHeading reports whether a heading of the document has that anchor on GitHub.
func hasHeading(document, anchor string) bool {
	for _, h := range headings.FindAllStringSubmatch(document, -1) {
		text := links.ReplaceAllString(strings.ToLower(h[1]), "")
		if strings.ReplaceAll(dropped.ReplaceAllString(text, ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}
