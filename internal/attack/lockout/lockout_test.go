package main

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The command simulates days. This test runs a small simulation.
func TestLockout(t *testing.T) {
	t.Parallel()
	const hour, day = time.Hour, 24 * time.Hour
	for _, tt := range []struct {
		networks int
		d, step  time.Duration
		newOwner time.Duration // the longest time for which an owner with a new device may be refused
	}{
		{1, 25 * hour, 20 * time.Minute, 0},
		{10, 25 * hour, 20 * time.Minute, hour},
		{100, 13 * hour, hour, day},
	} {
		t.Run(fmt.Sprint(tt.networks), func(t *testing.T) {
			t.Parallel()
			r, err := play(t.Context(), tt.networks, tt.d, tt.step)
			if err != nil {
				t.Fatal(err)
			}
			for i, longest := range []time.Duration{0, tt.newOwner} {
				o := r.owners[i]
				for what, got := range map[string]*tally{"sends": o.sends, "resets": o.resets, "logins": o.logins} {
					if got.tries == 0 && tt.networks <= 10 {
						t.Errorf("owner %d did not try: %s", i, what)
					}
					if longest == 0 && got.refused > 0 || got.longest > longest {
						t.Errorf("owner %d: %s refused for %s, want at most %s", i, what, got, longest)
					}
				}
			}
			if r.guesses > 100 || r.guesses == 0 || r.logins > 100 || r.logins == 0 {
				t.Errorf("%d codes and %d logins judged in a day, want at most 100", r.guesses, r.logins)
			}
			// These are strangers' codes, two owners' codes, and notices.
			if most := min(5*tt.networks, 100) + 2*5*2; r.paid > most {
				t.Errorf("%d SMS in a day, want at most %d", r.paid, most)
			}
			t.Logf("paid %d, guesses %d, logins %d; known %v, new %v", r.paid, r.guesses, r.logins, *r.owners[0].resets, *r.owners[1].resets)
		})
	}
}

// Guessing succeeds at as many numbers as the formula predicts.
func TestOdds(t *testing.T) {
	t.Parallel()
	const numbers, space = 40, 100
	hit, want, err := odds(t.Context(), numbers, space)
	if err != nil {
		t.Fatal(err)
	}
	// The bound is five standard deviations of a binomial distribution. The test fails
	// by chance once in a million runs.
	if spread := 5 * math.Sqrt(want*(1-want)/numbers); math.Abs(hit-want) > spread {
		t.Errorf("%.2f of the numbers were guessed, want %.2f plus or minus %.2f", hit, want, spread)
	}
}

// The audit trail shows an operator what is going on.
func TestTrail(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := trail(t.Context(), &out, 15); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`limit="wrong codes per number and network"`, `limit="logins per number"`, "user.locked", "wrong code ", "wrong password", "password.reset"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %s:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), number) {
		t.Error("the number is shown in full")
	}
}

// The excerpt in docs/under-attack.md shows every kind of line that the program prints,
// and no other kind.
func TestDocsShowTheTrail(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/under-attack.md")
	if err != nil {
		t.Fatal(err)
	}
	_, excerpt, found := strings.Cut(string(page), "```\nlog:\n")
	excerpt, _, closed := strings.Cut(excerpt, "```\n")
	if !found || !closed {
		t.Fatal("docs/under-attack.md has no excerpt that begins with \"log:\"")
	}
	var out strings.Builder
	if err := trail(t.Context(), &out, 30); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kinds(out.String()), kinds("log:\n"+excerpt)); diff != "" {
		t.Errorf("go run ./internal/attack/lockout -trail 30 prints other kinds of lines than docs/under-attack.md shows (-printed +shown):\n%s", diff)
	}
}

// kinds returns the lines without the parts that differ between two lines of one kind.
func kinds(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(varies.ReplaceAllString(line, ""))
		all[strings.Join(strings.Fields(line), " ")] = true
	}
	return all
}

// varies matches times, durations, counts, digests and addresses.
var varies = regexp.MustCompile(`left_out=\d+|retry_after=\S+|time=\S+|(:\w{6}…)|^\d\d:\d\d:\d\d +\d+ x|\d+\.\d+\.\d+\.\d+`)
