package settings

import (
	"os"
	"regexp"
	"slices"
	"strings"
)

// noSetting says that a name is misspelt, or that of a setting that an earlier version
// had.
const noSetting = "there is no setting of this name"

// others are variables that begin with REKEY_ and that other programs read: Litestream,
// a backend that calls the management API, and the tests.
var others = []string{
	"REKEY_REPLICA", "REKEY_PUBLIC_URL", "REKEY_MANAGEMENT_URL", "REKEY_TOKEN",
	"REKEY_RACE_ROUNDS", "REKEY_SCREENSHOTS", "REKEY_UPDATE", "REKEY_WALK_STEPS",
}

// testPrefix begins the variables that tell tests what they may use.
const testPrefix = prefix + "TEST_"

// ofKubernetes matches what Kubernetes sets in every container beside a Service whose
// name begins with "rekey".
var ofKubernetes = regexp.MustCompile(`^REKEY_([A-Z0-9_]+_)?(SERVICE_HOST=|SERVICE_PORT(_[A-Z0-9_]+)?=|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=|PORT=(tcp|udp|sctp)://)`)

// Unknown returns a sentence about each variable of the environment that begins with
// REKEY_ and that no command reads. If it were ignored, a misspelt limit would not be
// set. No sentence repeats a value, which may be a secret.
func (f *Set) Unknown() (warnings []string) {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		_, known := f.Known[name]
		switch {
		case known, !strings.HasPrefix(name, prefix), strings.HasPrefix(name, testPrefix), slices.Contains(others, name), ofKubernetes.MatchString(entry):
			continue
		}
		warning := name + " in the environment: " + noSetting
		if meant := nearest(name, f.Known); meant != "" {
			warning += "; did you mean " + meant + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// nearest returns the known variable whose name is closest to a misspelt one; empty if
// none differs in two characters at most, fewer for a short name.
func nearest(variable string, known map[string]bool) (found string) {
	variable = strings.ToUpper(variable)
	closest := min(2, (len(variable)-len(prefix)+1)/3) + 1
	for _, candidate := range sortedKeys(known) {
		if d := distance(variable, candidate); d < closest {
			found, closest = candidate, d
		}
	}
	return found
}

// distance returns how many characters must be inserted, removed or replaced to make b of
// a (the Levenshtein distance).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // the distances of a's beginning from each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
