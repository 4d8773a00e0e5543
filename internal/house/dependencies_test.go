package house_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// docs/dependencies.md has a row for each direct requirement of each module, and none
// for a module that is not required.
func TestDependenciesAreListed(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/dependencies.md")
	required := map[string]bool{}
	for _, module := range []string{".", "examples", "internal", "storage/pgxpipeline", "telemetry"} {
		cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
		cmd.Dir = "../../" + module
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go mod edit -json in %s: %v", module, err)
		}
		var mod struct {
			Require []struct {
				Path     string
				Indirect bool
			}
		}
		if err := json.Unmarshal(out, &mod); err != nil {
			t.Fatal(err)
		}
		for _, r := range mod.Require {
			if r.Indirect || strings.HasPrefix(r.Path, "github.com/seed-16109ab2/rekey") {
				continue
			}
			required[r.Path] = true
			if !strings.Contains(page, "`"+r.Path+"`") {
				t.Errorf("docs/dependencies.md does not list %s, which module %s requires", r.Path, module)
			}
		}
	}
	for _, part := range strings.Split(page, "`") {
		host, _, path := strings.Cut(part, "/")
		if path && strings.Contains(host, ".") && !strings.Contains(part, " ") && !required[part] {
			t.Errorf("docs/dependencies.md lists %s, which no module requires", part)
		}
	}
}
