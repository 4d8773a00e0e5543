package storagetest

import (
	"context"

	"github.com/seed-16109ab2/rekey/identity"
)

// checkerCases are about stores that implement identity.Checker; others pass.
func checkerCases() []Case {
	return []Case{
		{"Check/Healthy", "a health check that fails for a good store removes a working server, and a health check that writes fills the store", func(c *check) {
			checker, ok := c.Storage.(identity.Checker)
			if !ok {
				return
			}
			c.unchangedBy("after checks", func(*scene) error {
				for range 3 {
					c.ok("Check", checker.Check(c.ctx))
				}
				return nil
			}, func(error) {})
		}},
		{"Check/Cancelled", whyCancelled, func(c *check) {
			checker, ok := c.Storage.(identity.Checker)
			if !ok {
				return
			}
			ctx, cancel := context.WithCancel(c.ctx)
			cancel()
			c.is("Check", checker.Check(ctx), context.Canceled)
		}},
	}
}
