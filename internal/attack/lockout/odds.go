package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// strangersADay is how many guesses the limits let strangers make at one number in
// a day.
const strangersADay = 78

// odds lets an attacker spend a day's guesses on each of that many numbers. It returns the
// share of numbers whose password the attacker set, and the share by the formula. So that
// there are hits to count, the attacker knows enough of each code to leave space values.
func odds(ctx context.Context, numbers, space int) (hit, want float64, err error) {
	w, err := newWorld(ctx, newClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	hits := 0
	for i := range numbers {
		mobile := fmt.Sprintf("138%04d0000", i) // each with a prefix of its own
		if _, err := w.CreateUser(ctx, identity.NewUser{Mobile: mobile, Verified: true, PasswordHash: identity.NewSecret(bcryptHash)}); err != nil {
			return 0, 0, err
		}
		won, err := w.siege(ctx, i, mobile, space)
		if err != nil {
			return 0, 0, err
		}
		if won {
			hits++
		}
	}
	return float64(hits) / float64(numbers), 1 - math.Pow(1-1/float64(space), strangersADay), nil
}

// siege guesses codes of one number until every network is refused.
func (w *world) siege(ctx context.Context, i int, mobile string, space int) (won bool, err error) {
	for network := range 15 {
		c := caller(fmt.Sprint("device-", i, "-", network), 30*i+network, "en")
		for range 2 { // the second code for what the first leaves of the network's guesses
			if err := w.ask(ctx, c, mobile); limited(err) {
				break
			} else if err != nil {
				return false, err
			}
			code, err := w.code(ctx, "en", mobile)
			if err != nil {
				return false, err
			}
			if code == "" {
				return false, errors.New("no code arrived")
			}
			for range 5 {
				guess, err := guessAt(code, space)
				if err != nil {
					return false, err
				}
				err = w.enter(ctx, c, mobile, guess)
				if err == nil {
					return true, nil
				}
				if !errors.Is(err, identity.ErrCodeRefused) && !limited(err) {
					return false, err
				}
				if limited(err) {
					break
				}
			}
			w.clock.Advance(time.Minute)
		}
	}
	return false, nil
}

// guessAt replaces the unknown end of a code, which has space values, by a random one.
func guessAt(code string, space int) (string, error) {
	n, err := strconv.Atoi(code)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", len(code), n/space*space+rand.IntN(space)), nil
}
