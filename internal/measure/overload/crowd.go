package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/binary"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

// crowd is the people who use the server. Each person comes once.
type crowd struct {
	inbox    *binary.Inbox
	database *databases.Database
	client   *workload.Client
	seeded   int // users in the database
	came     int // users who have come
}

func newCrowd(address string, inbox *binary.Inbox, database *databases.Database) *crowd {
	return &crowd{inbox: inbox, database: database, client: workload.NewClient(address, 8192)}
}

// people makes sure that this many more people can come, and returns the number of the
// first.
func (c *crowd) people(ctx context.Context, n int) (first int, err error) {
	first = c.came
	c.came += n
	if c.came > c.seeded {
		err = workload.SeedUsers(ctx, c.database, binary.Secret, c.seeded, c.came)
		c.seeded = c.came
	}
	return first, err
}

// callers is how many people use the server at the same time while the capacity is
// measured: enough to keep every hash busy.
const callers = 32

// capacity returns how many whole resets a second succeed if a new person comes
// whenever one is done.
func (c *crowd) capacity(ctx context.Context, d time.Duration) (float64, error) {
	first, err := c.people(ctx, int(most*d.Seconds()))
	if err != nil {
		return 0, err
	}
	s := &tally{from: time.Now().Add(d / 5), to: time.Now().Add(d)}
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for n := first + i; n < c.came && time.Now().Before(s.to); n += callers {
				c.reset(ctx, n, s)
			}
		})
	}
	wg.Wait()
	p := s.point()
	if p.Goodput == 0 {
		return 0, fmt.Errorf("no reset was done in %s: %s", d, p)
	}
	return p.Goodput, nil
}

// offer lets people come at a rate, at random moments, for the given time, and returns
// when all have their answers. The first fifth of the time, in which queues fill, is
// not counted.
func (c *crowd) offer(ctx context.Context, rate float64, d time.Duration) (point, error) {
	first, err := c.people(ctx, int(1.2*rate*d.Seconds())+100)
	if err != nil {
		return point{}, err
	}
	began := time.Now()
	s := &tally{from: began.Add(d / 5), to: began.Add(d)}
	var wg sync.WaitGroup
	random := rand.New(rand.NewPCG(1, uint64(first)))
	due := time.Duration(0)
	for n := first; due < d && n < c.came; n++ {
		time.Sleep(due - time.Since(began))
		wg.Go(func() { c.reset(ctx, n, s) })
		due += time.Duration(random.ExpFloat64() / rate * float64(time.Second))
	}
	wg.Wait()
	return s.point(), nil
}

// reset does the whole reset of the n-th person.
func (c *crowd) reset(ctx context.Context, n int, s *tally) {
	s.offered()
	mobile := workload.Number(n)
	from := workload.Person(n)
	if !s.ask(send, func() (workload.Answer, error) {
		return c.client.Post(workload.SendPath, from, map[string]string{"mobile": mobile, "type": string(identity.PurposeForgotPassword)})
	}) {
		return
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	code, err := c.inbox.Code(wait, "+86"+mobile)
	if err != nil {
		s.fault(err)
		return
	}
	s.ask(reset, func() (workload.Answer, error) {
		return c.client.Post(workload.ResetPath, from, map[string]string{"mobile": mobile, "verify_code": code, "password": workload.Password})
	})
}
