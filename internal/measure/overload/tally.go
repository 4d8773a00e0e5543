package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

// request is one of the two requests of a whole reset.
type request int

const (
	send request = iota
	reset
)

func (r request) String() string { return [...]string{"send", "reset"}[r] }

// tally counts the answers between two moments.
type tally struct {
	from, to time.Time

	mu       sync.Mutex
	came     int
	done     int
	answers  [2]times
	refusals times
	faults   map[string]int
}

func (s *tally) within() bool {
	now := time.Now()
	return !now.Before(s.from) && now.Before(s.to)
}

func (s *tally) offered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.within() {
		s.came++
	}
}

// ask makes a request and reports whether it succeeded. After a refusal or no answer,
// the person leaves.
func (s *tally) ask(r request, do func() (workload.Answer, error)) bool {
	began := time.Now()
	answer, err := do()
	took := time.Since(began)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.note(r.String() + ": no answer: " + err.Error())
	case answer.Status == http.StatusOK:
		if s.within() {
			s.answers[r] = append(s.answers[r], took)
			if r == reset {
				s.done++
			}
		}
		return true
	case answer.Status == http.StatusServiceUnavailable:
		if s.within() {
			s.refusals = append(s.refusals, took)
		}
	default:
		s.note(r.String() + ": " + answer.String())
	}
	return false
}

func (s *tally) fault(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(err.Error())
}

// note counts a fault, no matter when it happened.
func (s *tally) note(what string) {
	if s.faults == nil {
		s.faults = map[string]int{}
	}
	s.faults[what]++
}

func (s *tally) point() point {
	s.mu.Lock()
	defer s.mu.Unlock()
	seconds := s.to.Sub(s.from).Seconds()
	p := point{
		Offered: float64(s.came) / seconds, Goodput: float64(s.done) / seconds, Refused: float64(len(s.refusals)) / seconds,
		Sends: s.answers[send], Resets: s.answers[reset], Refusals: s.refusals,
	}
	for _, t := range []times{p.Sends, p.Resets, p.Refusals} {
		slices.Sort(t)
	}
	for what, n := range s.faults {
		p.Faults = append(p.Faults, fmt.Errorf("%d people: %s", n, what))
	}
	return p
}

// point is one step of a curve. Rates are per second.
type point struct {
	Factor                    float64 // of the capacity
	Offered, Goodput, Refused float64
	Sends, Resets, Refusals   times
	Memory                    int // MiB
	Faults                    []error
}

const header = "  times  offered/s  goodput/s  refused/s    send p50      p99   reset p50      p99  refusal p50     p99   memory"

func (p point) String() string {
	return fmt.Sprintf("%7g  %9.1f  %9.1f  %9.1f  %10s %8s  %10s %8s  %11s %7s  %3d MiB", p.Factor, p.Offered, p.Goodput, p.Refused,
		p.Sends.p(50), p.Sends.p(99), p.Resets.p(50), p.Resets.p(99), p.Refusals.p(50), p.Refusals.p(99), p.Memory)
}

// the times are sorted when they are read
type times []time.Duration

// p formats a percentile for people; "-" if there is none.
func (t times) p(percent int) string {
	if len(t) == 0 {
		return "-"
	}
	return t.at(percent).Round(time.Millisecond).String()
}

// at returns a percentile; 0 if there is none.
func (t times) at(percent int) time.Duration {
	if len(t) == 0 {
		return 0
	}
	return t[min(len(t)*percent/100, len(t)-1)]
}
