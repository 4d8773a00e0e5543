package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-16109ab2/rekey"

// rooms lists, as path prefixes, what each package may import besides the standard
// library. The longest entry that fits a package counts.
var rooms = map[string][]string{
	"identity": {
		"identity/internal", "identity/audit", "identity/limit", "identity/observe", "identity/outbox", "sms",
		"golang.org/x/text",
	},
	"identity/audit":          {},
	"identity/limit":          {},
	"identity/observe":        {},
	"identity/outbox":         {"sms"},
	"identity/mobile":         {"identity/internal/mobile", "github.com/nyaruka/phonenumbers"},
	"identity/identitytest":   {"identity", "storage/memory", "sms", "sms/smstest"},
	"identity/pwnedpasswords": {"identity"},
	"identity/bcrypthash":     {"identity", "golang.org/x/crypto/bcrypt"},
	"identity/siteverify":     {"identity"},
	"identity/altcha":         {"identity", "identity/internal/challenge"},
	"identity/puzzle":         {"identity", "identity/internal/challenge"},
	"identity/internal": {
		"identity/internal", "github.com/alexedwards/argon2id", "golang.org/x/crypto/argon2",
		"github.com/go-crypt/crypt", "github.com/nyaruka/phonenumbers", "golang.org/x/text",
	},
	"identity/internal/challenge": {"identity", "identity/limit"},
	"identity/eventwebhook":       {"identity"},
	"httpadapter/captcha":         {"httpadapter", "identity"},
	"telemetry":                   {"identity", "sms/failover", "go.opentelemetry.io/otel"},
	"httpadapter/management":      {"identity", "httpadapter/internal"},

	"storage/memory":      {"identity", "sms"},
	"storage/storagetest": {"identity", "sms"},
	"storage/bunstore":    {"identity", "sms", "github.com/uptrace/bun"},
	"storage/pgxpipeline": {"storage/bunstore", "github.com/jackc/pgx/v5"},
	"storage/sqlite":      {"identity", "storage/bunstore", "github.com/uptrace/bun", "modernc.org/sqlite"},
	"sms":                 {"identity", "sms"},
	"sms/failover":        {"sms", "github.com/sony/gobreaker/v2"},
	"httpadapter":         {"identity", "httpadapter/internal", "golang.org/x/text"},
	"examples":            {""},
	"internal":            {""},
	"httpadapter/resetpage": {
		"identity", "httpadapter/internal", "golang.org/x/text", "github.com/nyaruka/phonenumbers",
		"github.com/DataDog/datadog-agent/pkg/template/html", // html/template would keep all methods of a program
	},
}

// forbidden lists packages that must not be compiled, even indirectly, into a program
// that imports the package.
var forbidden = map[string][]string{
	"identity":               {"=net", "net/http", "database/sql/driver", "github.com/uptrace", "modernc.org", "storage/", "httpadapter", "testing"},
	"identity/audit":         {"identity/internal", "github.com", "golang.org"},
	"identity/limit":         {"identity/internal", "github.com", "golang.org"},
	"identity/observe":       {"identity/internal", "github.com", "golang.org"},
	"identity/outbox":        {"identity/internal", "github.com", "golang.org"},
	"sms":                    {"identity", "github.com", "golang.org"},
	"httpadapter":            {"github.com/uptrace", "modernc.org", "storage/", "sms/webhook", "image", "identity/puzzle", "identity/altcha"},
	"storage/bunstore":       {"modernc.org", "github.com/jackc", "github.com/go-sql-driver", "httpadapter"},
	"httpadapter/management": {"github.com/uptrace", "modernc.org", "storage/", "image", "testing"},
	"identity/altcha":        {"net/http", "image", "storage/", "httpadapter", "testing"},
	"identity/puzzle":        {"net/http", "storage/", "httpadapter", "testing"},
	"storage/memory":         {"net/http", "github.com/uptrace", "modernc.org", "httpadapter"},
}

type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func list(t *testing.T) (packages []goPackage) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Standard,Imports,Deps", module+"/...", module+"/examples/...", module+"/internal/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// inRoom reports whether an import path belongs to an entry or a module. "=net" stands
// for the package net only.
func inRoom(path, room string) bool {
	if exact, ok := strings.CutPrefix(room, "="); ok {
		return path == exact
	}
	path = strings.TrimPrefix(path, module+"/")
	return room == "" || path == room || strings.HasPrefix(path, strings.TrimSuffix(room, "/")+"/")
}

func TestAllowedImports(t *testing.T) {
	t.Parallel()
	packages := list(t)
	if len(packages) < 10 {
		t.Fatalf("only %d packages listed", len(packages))
	}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		room := ""
		for r := range rooms {
			if inRoom(name, r) && len(r) > len(room) {
				room = r
			}
		}
		if room == "" {
			t.Errorf("%s has no entry in rooms", name)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
				continue // standard library
			}
			// A package under the same folder may be imported.
			if !slices.ContainsFunc(rooms[room], func(r string) bool { return inRoom(imported, r) }) {
				t.Errorf("%s may not import %s", name, imported)
			}
		}
		for _, f := range forbidden[name] {
			for _, dep := range p.Deps {
				if inRoom(dep, f) {
					t.Errorf("importing %s compiles %s", name, dep)
				}
			}
		}
	}
}
