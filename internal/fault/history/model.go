package main

import (
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

type kind int

const (
	issue kind = iota
	charge
	release
	redeem
)

const (
	keepLive    = 3
	maxAttempts = 5
	budget      = 18 // guesses at the number
)

// input is a call. Codes are numbered in the order of their CreatedAt.
type input struct {
	kind kind
	code int
}

// seen is a code as ChargeAttempt returned it.
type seen struct{ code, attempts int }

type output struct {
	refused bool
	codes   string // of a charge, as text so that outputs compare
}

func display(codes []seen) string { return fmt.Sprint(codes) }

// code is one in the model.
type code struct {
	number, attempts int
	used, ended      bool
}

func (c code) open() bool { return !c.used && !c.ended }
func (c code) live() bool { return c.open() && c.attempts < maxAttempts }

// state is everything about the number.
type state struct {
	codes []code // by number
	spent int
}

func (s state) clone() state { return state{slices.Clone(s.codes), s.spent} }

// step says whether the model would have given that answer, and its next state.
func step(s state, in input, out output) (bool, state) {
	next := s.clone()
	at := slices.IndexFunc(next.codes, func(c code) bool { return c.number == in.code })
	switch in.kind {
	case issue:
		next.codes = append(next.codes, code{number: in.code})
		slices.SortFunc(next.codes, func(a, b code) int { return a.number - b.number })
		others := 0
		for i := len(next.codes) - 1; i >= 0; i-- {
			if c := &next.codes[i]; c.live() && c.number != in.code {
				if others++; others > keepLive-1 {
					c.ended = true
				}
			}
		}
		return !out.refused, next
	case charge:
		if s.spent >= budget {
			return out.refused, s
		}
		next.spent++
		var shown []seen
		for i := range next.codes {
			if c := &next.codes[i]; c.live() {
				c.attempts++
				shown = append(shown, seen{c.number, c.attempts})
			}
		}
		return !out.refused && out.codes == display(shown), next
	case release:
		if at >= 0 {
			next.codes[at].attempts = max(next.codes[at].attempts-1, 0)
		}
		next.spent = max(next.spent-1, 0)
		return !out.refused, next
	default:
		if at < 0 || !next.codes[at].open() {
			return out.refused, s
		}
		for i := range next.codes {
			c := &next.codes[i]
			c.used = c.used || i == at
			c.ended = c.ended || i != at && c.open()
		}
		return !out.refused, next
	}
}

var model = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(s, in, out any) (bool, any) { return step(s.(state), in.(input), out.(output)) },
	Equal: func(a, b any) bool {
		x, y := a.(state), b.(state)
		return x.spent == y.spent && slices.Equal(x.codes, y.codes)
	},
}
