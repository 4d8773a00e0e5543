package puzzle_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/puzzle"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func Example() {
	ctx := context.Background()
	store := memory.New() // the same storage as the service
	puzzles, err := puzzle.New(puzzle.Config{
		Secret:  identity.NewSecret("at least thirty-two random bytes"),
		Counter: store,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// The client shows Picture and Piece, and keeps Token.
	p, err := puzzles.New(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	// The person left the piece where it was.
	_, err = puzzles.Solve(ctx, p.Token, "+8613800138000", 0, puzzle.PointY)
	fmt.Println("wrong:", errors.Is(err, identity.ErrCaptchaWrong))
	// Each puzzle has one try.
	_, err = puzzles.Solve(ctx, p.Token, "+8613800138000", 150, puzzle.PointY)
	fmt.Println("used up:", errors.Is(err, identity.ErrCaptchaExpired))
	// Output:
	// wrong: true
	// used up: true
}
