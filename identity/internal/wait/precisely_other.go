//go:build !linux

package wait

import "time"

// precisely waits until the deadline. Timers of other systems are precise.
func precisely(deadline time.Time) { time.Sleep(time.Until(deadline)) }
