package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// The ids of recorded events lie between the first ids of the times around them.
func TestFirstID(t *testing.T) {
	t.Parallel()
	before := time.Now()
	f := identitytest.New(t) // records that a client was registered
	after := time.Now().Add(time.Millisecond)
	events, err := f.Events(t.Context(), audit.Query{Max: 10})
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if id := events[0].ID; id < audit.FirstID(before) || id >= audit.FirstID(after) {
		t.Errorf("id %s, want %s to %s", id, audit.FirstID(before), audit.FirstID(after))
	}
	if got := audit.FirstID(time.Time{}); got != "00000000-0000-7000-8000-000000000000" {
		t.Errorf("the first id of all is %s", got)
	}
	if _, err := f.Events(t.Context(), audit.Query{AfterID: audit.FirstID(after), Max: 10}); err != nil {
		t.Error(err)
	}
}

// Every constant of the package is a known type.
func TestKnownTypes(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "audit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
			constants++
			if name, err := strconv.Unquote(value.Value); err != nil || !audit.Type(name).Known() {
				t.Errorf("%s is not known: %v", name, err)
			}
		}
		return true
	})
	if constants < 19 {
		t.Errorf("%d constants found", constants)
	}
	if audit.Type("password.rest").Known() || audit.Type("").Known() {
		t.Error("a type that does not exist is known")
	}
}
