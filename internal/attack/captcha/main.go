// Command captcha answers the question: what does one SMS cost an attacker who solves
// CAPTCHAs in bulk? It attacks the self-hosted CAPTCHAs, and prints the CPU seconds for
// each level of the proof of work and the number of pictures for the sliding puzzle.
//
//	go run ./internal/attack/captcha
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/identity/puzzle"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func main() {
	budget := flag.Duration("for", 4*time.Second, "CPU time to spend on each level of the proof of work, at least one token")
	pictures := flag.Int("puzzles", 200, "how many puzzles to attack each way")
	flag.Parse()
	if err := run(context.Background(), *budget, *pictures); err != nil {
		fmt.Fprintln(os.Stderr, "captcha:", err)
		os.Exit(1)
	}
}

var secret = identity.NewSecret(strings.Repeat("s", 32))

func run(ctx context.Context, budget time.Duration, pictures int) error {
	fmt.Println("Proof of work: CPU seconds of this machine, on one core, in the attacker's Go code")
	fmt.Println()
	fmt.Println("| level | PBKDF2 iterations a number | numbers | expected iterations | tokens | CPU s per SMS | SMS per core and hour | server ms per challenge | server µs per check |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for level, d := range altcha.DefaultLevels() {
		if err := work(ctx, level, d, budget); err != nil {
			return err
		}
	}
	fmt.Println()
	return slide(ctx, pictures)
}

// work solves for one number after the other until the budget is used.
func work(ctx context.Context, level int, d altcha.Difficulty, budget time.Duration) error {
	v, err := altcha.New(altcha.Config{
		Secret: secret, Counter: memory.New(), Lifetime: time.Hour,
		Level: func(context.Context, identity.CaptchaRequest) (int, error) { return level, nil },
	})
	if err != nil {
		return err
	}
	var made, solving, checking time.Duration
	tokens := 0
	for solving < budget || tokens == 0 {
		r := identity.CaptchaRequest{Mobile: fmt.Sprintf("+861380000%04d", tokens), Purpose: identity.PurposeForgotPassword}
		start := cpu()
		challenge, err := v.Challenge(ctx, r)
		if err != nil {
			return err
		}
		made += cpu() - start
		start = cpu()
		if r.Token, err = altcha.Solve(ctx, challenge); err != nil {
			return err
		}
		solving += cpu() - start
		start = cpu()
		if err := v.VerifyCaptcha(ctx, r); err != nil {
			return fmt.Errorf("level %d: %w", level, err)
		}
		checking += cpu() - start
		tokens++
	}
	per := solving.Seconds() / float64(tokens)
	fmt.Printf("| %d | %d | %d | %d | %d | %.2f | %.0f | %.2f | %.0f |\n", level, d.Iterations, d.Numbers, d.Iterations*d.Numbers/2, tokens,
		per, 3600/per, made.Seconds()*1e3/float64(tokens), checking.Seconds()*1e6/float64(tokens))
	return nil
}

// slide attacks puzzles blindly, and with a program that looks.
func slide(ctx context.Context, n int) error {
	p, err := puzzle.New(puzzle.Config{Secret: secret, Counter: memory.New()})
	if err != nil {
		return err
	}
	fmt.Println("Sliding puzzle, one try each")
	fmt.Println()
	fmt.Println("| attacker | puzzles | passed | attacker's CPU ms per SMS | server ms per puzzle |")
	fmt.Println("|---|---|---|---|---|")
	for _, attacker := range []struct {
		name string
		x    func(puzzle.Puzzle) (int, error)
	}{
		{"guesses", func(puzzle.Puzzle) (int, error) { return 110 + rand.IntN(130), nil }},
		{"compares the pictures", func(z puzzle.Puzzle) (int, error) { return findHole(z.Picture, z.Piece) }},
	} {
		var drawing, looking time.Duration
		passed := 0
		for range n {
			start := cpu()
			z, err := p.New(ctx)
			if err != nil {
				return err
			}
			drawing += cpu() - start
			start = cpu()
			x, err := attacker.x(z)
			if err != nil {
				return err
			}
			looking += cpu() - start
			switch _, err := p.Solve(ctx, z.Token, "+8613800138000", float64(x), puzzle.PointY); {
			case err == nil:
				passed++
			case !errors.Is(err, identity.ErrCaptchaWrong):
				return err
			}
		}
		fmt.Printf("| %s | %d | %d (%.0f %%) | %.1f | %.1f |\n", attacker.name, n, passed, 100*float64(passed)/float64(n),
			looking.Seconds()*1e3/float64(max(passed, 1)), drawing.Seconds()*1e3/float64(n))
	}
	return nil
}

// cpu is the CPU time that this process has used, so that a busy machine does not
// show in the figures.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
