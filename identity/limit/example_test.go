package limit_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// A store passes a state through: it reads the state, calls Spend, and writes the
// result.
func ExampleLimit_Spend() {
	sends := limit.Limit{Key: "number", Rules: []limit.Rule{
		{Name: "sends per number", Rates: []limit.Rate{{Limit: 2, Per: time.Hour}}},
	}}
	var state []byte // of a key that has none
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for range 3 {
		spent, err := sends.Spend(state, nil, now)
		if refused, ok := errors.AsType[*limit.Error](err); ok {
			fmt.Println(refused, refused.RetryAfter)
			break
		}
		state = spent.State
		fmt.Println("sent")
		now = now.Add(10 * time.Minute)
	}
	// Output:
	// sent
	// sent
	// limit reached: sends per number 40m0s
}

// Strangers cannot use up the limits of devices that a number knows.
func ExampleChange() {
	day := []limit.Rate{{Limit: 1, Per: 24 * time.Hour}}
	logins := limit.Limit{Key: "number", Device: 7, Rules: []limit.Rule{
		{Name: "strangers", For: limit.Strangers, Rates: day},
		{Name: "known devices", For: limit.KnownDevices, Rates: day},
	}}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	state, _, err := limit.Change{Limit: logins, Remember: true}.Apply(nil, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	stranger := logins
	stranger.Device = 8
	for range 2 {
		spent, err := stranger.Spend(state, nil, now)
		if err != nil {
			fmt.Println(err)
			break
		}
		state = spent.State
	}
	spent, err := logins.Spend(state, nil, now)
	fmt.Println("known:", spent.Known, "error:", err)
	// Output:
	// limit reached: strangers
	// known: true error: <nil>
}
