package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v after:\n%s", err, &out)
	}
	for _, line := range []string{
		`before: Li Wei, balance 250, secret \$2a\$10\$.*, set never\n`,
		`after the reset: Li Wei, balance 250, secret \$argon2id\$.*, set \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\n`,
		`logs account 1001 in\.\n`,
		`account 1002 together with its person, in one transaction\.\n`,
	} {
		if !regexp.MustCompile(line).MatchString(out.String()) {
			t.Errorf("no line %s in:\n%s", line, &out)
		}
	}
}
