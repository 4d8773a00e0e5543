package main

import (
	"errors"
	"fmt"
	"time"
)

// counts holds the results of a run.
type counts struct {
	engine                 string
	failovers              int
	sends, resets, failed  int
	unanswered, done       int // resets without an answer, and those of them that were done
	replays, refused       int // used codes tried again; spent limits asked again, and refused
	notices                int
	lost, half, revived    int // must stay 0
	forgotten, undelivered int
	slowest                time.Duration // until all people had done a whole reset again
	late                   int           // failovers after which that took longer than 30 s
}

func (c counts) String() string {
	return fmt.Sprintf("%s: %d failovers, %d sends, %d resets acknowledged, %d calls failed, %d resets unanswered of which %d were done, "+
		"%d used codes tried again, %d spent limits asked again, %d notices delivered, slowest recovery %s; "+
		"lost %d, half done %d, codes revived %d, limits forgotten %d, not delivered %d, late %d",
		c.engine, c.failovers, c.sends, c.resets, c.failed, c.unanswered, c.done, c.replays, c.refused, c.notices, c.slowest.Round(10*time.Millisecond),
		c.lost, c.half, c.revived, c.forgotten, c.undelivered, c.late)
}

func (c counts) err() error {
	if c.lost+c.half+c.revived+c.forgotten+c.undelivered+c.late > 0 {
		return errors.New("at least one step was lost, half done, revived, forgotten, not delivered or late")
	}
	return nil
}
