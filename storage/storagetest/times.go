package storagetest

import (
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

var zone = time.FixedZone("UTC+8", 8*60*60)

// subMillis are parts of a second around whole milliseconds.
var subMillis = []time.Duration{0, 1, 999_999, 1_000_000, 123_456_789, 999_999_999}

// farTimes are the zero time and the first and last times of common representations.
func farTimes() []time.Time {
	return []time.Time{
		{},
		time.Date(1969, time.December, 31, 23, 59, 59, 999e6, time.UTC),
		time.Date(1970, time.January, 1, 0, 0, 0, 1e6, time.UTC),
		time.Date(1901, time.December, 13, 20, 45, 51, 0, time.UTC), // beyond 32-bit seconds
		time.Date(2038, time.January, 19, 3, 14, 8, 0, time.UTC),
		time.Date(2262, time.April, 12, 0, 0, 0, 0, time.UTC), // beyond 64-bit nanoseconds
		time.Date(9999, time.December, 31, 23, 59, 59, 999e6, time.UTC),
	}
}

func timeCases() []Case {
	return []Case{
		{"Times/Zones", "a time in another zone is the same instant: a store that keeps the wall clock makes codes valid for hours", func(c *check) {
			code := c.code(number, phone)
			issue := c.issueOf(code)
			issue.Now, issue.Code.CreatedAt, issue.Code.ExpiresAt = c.now.In(zone), code.CreatedAt.In(zone), code.ExpiresAt.In(zone)
			issue.Messages[0].NextAt, issue.Event.At = c.now.In(zone), c.now.In(zone)
			_, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			code.Attempts = 1
			c.equal("the stored code", c.charge(code, code.ExpiresAt.Add(-time.Millisecond).In(zone)), []identity.VerifyCode{code})
			c.wantLive("at its expiry", code, code.ExpiresAt.In(zone))
			c.equal("the event", c.events()[0].At, c.now)
			c.equal("the message", c.messages()[0].NextAt, c.now)
			c.equal("the messages due", len(c.lease("token", c.now.Add(-time.Millisecond).In(zone))), 0)
			c.equal("the messages due", len(c.lease("token", c.now.In(zone))), 1)
		}},
		{"Times/Milliseconds", "a time that comes back finer or coarser than a millisecond does not equal itself", func(c *check) {
			base := time.Date(2024, time.March, 1, 0, 0, 0, 0, time.UTC)
			for i, nanos := range subMillis {
				given, want := base.Add(nanos), base.Add(nanos.Truncate(time.Millisecond))
				e, m := c.event(), c.message()
				e.At, m.CreatedAt, m.NextAt, m.ExpiresAt = given, given, given, given
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
				c.enqueue(m)
				e.At, m.CreatedAt, m.NextAt, m.ExpiresAt = want, want, want, want
				c.equal("the event", c.events()[i], e)
				c.equal("the message", c.messages()[i], unsealed(m)[0])
			}
		}},
		{"Times/Range", "the zero time means never, and no other time may come back as the zero time", func(c *check) {
			for _, at := range farTimes() {
				e := c.event()
				e.At = at
				c.ok("AppendEvent", c.AppendEvent(c.ctx, e, nil))
				events := c.events()
				c.equal("the event at "+at.Format(time.RFC3339Nano), events[len(events)-1].At, at)
			}
			code := c.code(number, phone)
			code.ExpiresAt = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)
			code.Attempts = 1
			issue := c.issueOf(code)
			issue.Code.Attempts = 0
			_, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			c.equal("a code for eight thousand years", c.charge(code, c.now.AddDate(7000, 0, 0)), []identity.VerifyCode{code})
		}},
	}
}
