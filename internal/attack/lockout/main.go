// Command lockout answers the question: for how long can an attacker keep an owner from
// the account, and what does that cost? It simulates an attacker with 1, 10 and 100
// networks against the default limits, over 72 hours of a simulated clock. The attacker
// uses every attempt that the limits allow as soon as they allow it. Then the program
// guesses codes of many numbers, and compares the number of hits with the formula.
//
//	go run ./internal/attack/lockout
//	go run ./internal/attack/lockout -trail 30    # what an operator sees of an hour
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	hours := flag.Int("hours", 72, "how long the run lasts by the service's clock")
	step := flag.Duration("step", 5*time.Minute, "time between two strikes of the attacker")
	numbers := flag.Int("numbers", 200, "how many numbers to guess codes for, to measure the odds; 0 for none")
	networks := flag.Int("trail", 0, "print the log and the audit trail of a one-hour attack from this many networks instead")
	flag.Parse()
	if *networks > 0 {
		if err := trail(context.Background(), os.Stdout, *networks); err != nil {
			fmt.Fprintln(os.Stderr, "lockout:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(context.Background(), os.Stdout, []int{1, 10, 100}, time.Duration(*hours)*time.Hour, *step, *numbers); err != nil {
		fmt.Fprintln(os.Stderr, "lockout:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, networks []int, d, step time.Duration, numbers int) error {
	_, _ = fmt.Fprintf(out, "%d h, a strike every %s. Refused: the longest time, and the share of the owner's tries.\n\n", int(d.Hours()), step)
	_, _ = fmt.Fprintln(out, "networks  device  sends            resets           logins           SMS paid/day  codes judged/day  logins judged/day")
	for _, n := range networks {
		r, err := play(ctx, n, d, step)
		if err != nil {
			return err
		}
		for i, device := range []string{"known", "new"} {
			o := r.owners[i]
			_, _ = fmt.Fprintf(out, "%8d  %-6s  %-15s  %-15s  %-15s  %12d  %16d  %17d\n",
				n, device, o.sends, o.resets, o.logins, r.paid, r.guesses, r.logins)
		}
	}
	if numbers == 0 {
		return nil
	}
	for _, space := range []int{100, 1000} {
		hit, want, err := odds(ctx, numbers, space)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "\nodds: codes of %d values, %d numbers, %d guesses each in a day: %.1f %% hit, %.1f %% by the formula\n",
			space, numbers, strangersADay, 100*hit, 100*want)
	}
	return nil
}
