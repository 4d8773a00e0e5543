// Command overload answers the question: what does the single binary still get done
// when more people come than it can serve? It measures the capacity of whole resets
// (a code is asked for, arrives, and sets a new password) over HTTP. Then it offers
// 0.5, 1, 2, 5 and 10 times as many, whether or not earlier ones were answered, and
// prints for each step how many succeed and are refused, how long answers and
// refusals take, and the server's peak memory (Linux).
//
// Each person has a number, a device and an address of their own, so no limit
// refuses a person. The server is a process of its own, beside this one on the same
// processors: compare the figures of one run only.
//
//	go run ./internal/measure/overload -engines sqlite,postgres -svg docs/overload.svg
//
// It fails if a person gets no answer or an answer other than 200 or 503, and if memory
// leaves its bound. No time makes it fail.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/binary"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

func main() {
	engines := flag.String("engines", "sqlite", "databases, comma-separated: "+strings.Join(databases.Engines, ", "))
	steps := flag.String("steps", "0.5,1,2,5,10", "offered load in multiples of the capacity, comma-separated")
	step := flag.Duration("for", 20*time.Second, "how long each step lasts")
	svg := flag.String("svg", "", "file for the picture of the curves; none if empty")
	flag.Parse()
	if err := run(context.Background(), strings.Split(*engines, ","), *steps, *step, *svg); err != nil {
		fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, engines []string, steps string, d time.Duration, svg string) (err error) {
	var factors []float64
	for text := range strings.SplitSeq(steps, ",") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f <= 0 {
			return fmt.Errorf("-steps: %q is not a number above 0", text)
		}
		factors = append(factors, f)
	}
	dir, err := os.MkdirTemp("", "rekey-overload-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program, err := binary.Build(ctx, dir)
	if err != nil {
		return err
	}
	var curves []curve
	var faults []error
	for _, engine := range engines {
		c, err := measure(ctx, program, dir, engine, factors, d)
		if errors.Is(err, databases.ErrNoServer) {
			_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", engine, err)
			continue
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", engine, err))
		}
		curves = append(curves, c)
	}
	if svg != "" {
		faults = append(faults, os.WriteFile(svg, draw(curves), 0o644))
	}
	return errors.Join(faults...)
}

// curve is the result of one engine.
type curve struct {
	Engine   string
	Capacity float64 // whole resets a second
	Points   []point
}

// most is the highest capacity, in whole resets a second, that the program can measure.
const most = 400

func measure(ctx context.Context, program, dir, engine string, factors []float64, d time.Duration) (c curve, err error) {
	c.Engine = engine
	database, err := databases.Fresh(ctx, engine, dir)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, database.Drop()) }()
	if err := workload.SeedDatabase(ctx, database, binary.Secret, 0); err != nil {
		return c, err
	}
	inbox, err := binary.Listen()
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, inbox.Close()) }()
	server, err := binary.Serve(ctx, program, database.Address, inbox, "-trusted-proxies", "127.0.0.1/32", "-address-header", "X-Forwarded-For")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()

	crowd := newCrowd(strings.TrimPrefix(server.Base, "http://"), inbox, database)
	if c.Capacity, err = crowd.capacity(ctx, d); err != nil {
		return c, err
	}
	hashes := runtime.GOMAXPROCS(0)
	bound := hashes*19 + 64
	fmt.Printf("\n%s: capacity %.1f whole resets/s; bound of memory %d MiB (%d hashes × 19 + 64)\n%s\n", engine, c.Capacity, bound, hashes, header)
	peak := c.Capacity
	var faults []error
	for _, factor := range factors {
		p, err := crowd.offer(ctx, factor*c.Capacity, d)
		if err != nil {
			return c, err
		}
		if _, p.Memory, err = server.Memory(); err == nil {
			err = server.ForgetPeak()
		}
		if err != nil {
			return c, err
		}
		p.Factor = factor
		c.Points = append(c.Points, p)
		peak = max(peak, p.Goodput)
		fmt.Println(p)
		if p.Memory > bound {
			faults = append(faults, fmt.Errorf("at %g times the capacity the peak of memory was %d MiB, above the bound", factor, p.Memory))
		}
		faults = append(faults, p.Faults...)
	}
	last := c.Points[len(c.Points)-1]
	fmt.Printf("goodput at %g times the capacity is %.2f of the peak (goal 0.9); p99 of a refusal %s (goal 100 ms)\n",
		last.Factor, last.Goodput/peak, last.Refusals.p(99))
	return c, errors.Join(faults...)
}
