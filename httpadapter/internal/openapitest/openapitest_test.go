package openapitest_test

import (
	"slices"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/openapitest"
)

// An answer that is missing on either side is found, unless the document does not concern
// it.
func TestCompare(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{"/a 200 ": true, "/a 400 WRONG": true}
	seen := map[string]bool{"/a 200 ": true, "/a 500 ": true, "/other 404 ": true}
	got := openapitest.Compare(documented, seen, func(answer string) bool { return answer[:2] == "/a" })
	want := []string{"/a 400 WRONG is documented, but no test produces it", "/a 500  is produced, but not documented"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := openapitest.Compare(documented, documented, func(string) bool { return true }); got != nil {
		t.Errorf("of equal sets: %q", got)
	}
}
