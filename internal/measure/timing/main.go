// Command timing answers the question: do response times reveal what they must not? They
// must not reveal whether a number has a user, or why a code is refused. The program sends
// requests of each class in random order over HTTP, with SQLite and a slow SMS provider,
// and compares each class with all others by a rank test (Mann-Whitney U). It fails if one
// class differs.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

func main() {
	samples := flag.Int("samples", 10_000, "samples of each class")
	threshold := flag.Float64("z", 4, "largest |z| that counts as chance")
	only := flag.String("only", "", "reset or send; default both")
	step := flag.Duration("answer-step", 0, "Config.AnswerStep; -1ns shows the differences that it hides")
	delay := flag.Duration("provider-delay", 200*time.Millisecond, "how long the SMS provider takes")
	flag.Parse()
	told, err := run(context.Background(), *samples, *threshold, *delay, *step, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "timing:", err)
		os.Exit(1)
	}
	if told {
		fmt.Fprintln(os.Stderr, "timing: a class can be told apart")
		os.Exit(1)
	}
}

// class is one kind of request; next prepares its i-th.
type class struct {
	name  string
	path  string
	next  func(i int) map[string]string
	took  []float64
	wants int
}

func run(ctx context.Context, samples int, threshold float64, delay, step time.Duration, only string) (told bool, err error) {
	dir, err := os.MkdirTemp("", "rekey-timing-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var ahead atomic.Int64 // of the real clock, to have codes expire
	svc, err := workload.New(ctx, dir, delay, func(c *identity.Config) {
		c.Limits.CodeAttempts = attempts
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		c.SendConcurrency = 256
		c.AnswerStep = step
	})
	if err != nil {
		return false, err
	}
	defer func() { _ = svc.Close() }()
	routes, err := httpadapter.New(svc.Service, httpadapter.Options{})
	if err != nil {
		return false, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return false, err
	}
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	defer func() { _ = server.Close() }()

	s := stage{svc: svc, samples: samples, ahead: &ahead}
	for _, measure := range []struct {
		what    string
		classes func(context.Context) ([]*class, error)
	}{{"reset", s.resets}, {"send", s.sends}} {
		if only != "" && only != measure.what {
			continue
		}
		classes, err := measure.classes(ctx)
		if err != nil {
			return false, err
		}
		if err := sample(ctx, "http://"+l.Addr().String(), classes, samples); err != nil {
			return false, err
		}
		told = report(measure.what, classes, threshold) || told
	}
	return told, nil
}

// attempts is how often a code is guessed at before the next user's.
const attempts = 10

func sample(ctx context.Context, base string, classes []*class, samples int) error {
	client := &http.Client{}
	defer client.CloseIdleConnections()
	order := make([]*class, 0, samples*len(classes))
	for _, c := range classes {
		for range samples {
			order = append(order, c)
		}
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for n, c := range order {
		if n > 0 && n%20_000 == 0 {
			fmt.Fprintf(os.Stderr, "timing: %d of %d samples\n", n, len(order))
		}
		fields := c.next(len(c.took))
		start := time.Now()
		status, err := workload.Post(ctx, client, base+c.path, fields)
		took := time.Since(start)
		if err != nil {
			return err
		}
		if status != c.wants {
			return fmt.Errorf("%s: status %d, want %d", c.name, status, c.wants)
		}
		c.took = append(c.took, took.Seconds())
	}
	return nil
}

// report prints the statistic of each class against all others together.
func report(what string, classes []*class, threshold float64) (told bool) {
	fmt.Printf("%-6s %-34s %8s %10s %8s %7s\n", what, "class", "samples", "median ms", "AUC", "z")
	for _, c := range classes {
		var others []float64
		for _, o := range classes {
			if o != c {
				others = append(others, o.took...)
			}
		}
		auc, z := rankTest(c.took, others)
		sorted := slices.Sorted(slices.Values(c.took))
		fmt.Printf("%-6s %-34s %8d %10.3f %8.4f %7.2f\n", "", c.name, len(c.took), 1000*sorted[len(sorted)/2], auc, z)
		told = told || math.Abs(z) > threshold
	}
	return told
}

// rankTest is the Mann-Whitney U test with the normal approximation: the
// chance that a sample of a exceeds one of b (0.5 when they are alike), and how
// many standard deviations that is from 0.5.
func rankTest(a, b []float64) (auc, z float64) {
	type sample struct {
		took float64
		ofA  bool
	}
	all := make([]sample, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, sample{v, true})
	}
	for _, v := range b {
		all = append(all, sample{v, false})
	}
	slices.SortFunc(all, func(x, y sample) int { return cmp.Compare(x.took, y.took) })
	ranks := 0.0
	for first := 0; first < len(all); {
		end := first
		for end < len(all) && all[end].took == all[first].took {
			end++
		}
		for i := first; i < end; i++ {
			if all[i].ofA {
				ranks += float64(first+1+end) / 2 // ties share their mean rank
			}
		}
		first = end
	}
	n, m := float64(len(a)), float64(len(b))
	u := ranks - n*(n+1)/2
	return u / (n * m), (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}
