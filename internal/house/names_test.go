package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mostNames is how many names package identity may export. An application must be able
// to find the few that it needs among them.
const mostNames = 95

// exported returns the names that a package exports at its top level.
func exported(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	add := func(n *ast.Ident) {
		if n.IsExported() {
			names = append(names, n.Name)
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					add(d.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						add(s.Name)
					case *ast.ValueSpec:
						for _, n := range s.Names {
							add(n)
						}
					}
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestIdentityExportsFewNames(t *testing.T) {
	t.Parallel()
	names := exported(t, "../../identity")
	if !slices.Contains(names, "Service") || !slices.Contains(names, "ErrCodeRefused") {
		t.Fatalf("these are not the names of package identity: %v", names)
	}
	if len(names) > mostNames {
		t.Errorf("package identity exports %d names, at most %d are allowed; move names that belong together to another package, as docs/architecture.md shows: %v",
			len(names), mostNames, names)
	}
}
