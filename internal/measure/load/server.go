package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/databases"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

// server is a service behind HTTP.
type server struct {
	*workload.Service
	http   *http.Server
	client *workload.Client
	people int // users that there are
}

func serve(ctx context.Context, database *databases.Database, clients int, step time.Duration) (*server, error) {
	svc, err := workload.On(ctx, database, func(c *identity.Config) { c.AnswerStep = step })
	if err != nil {
		return nil, err
	}
	routes, err := httpadapter.New(svc.Service, httpadapter.Options{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AddressHeader: "X-Forwarded-For",
	})
	if err != nil {
		return nil, errors.Join(err, svc.Close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, svc.Close())
	}
	s := &server{
		Service: svc,
		http:    &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second},
		client:  workload.NewClient(l.Addr().String(), clients),
	}
	go func() { _ = s.http.Serve(l) }() // until close
	return s, nil
}

func (s *server) close() error { return errors.Join(s.http.Close(), s.Close()) }

// post makes the n-th person's request and expects an answer.
func (s *server) post(n int, path string, want int, fields map[string]string) error {
	fields["mobile"] = workload.Number(n)
	answer, err := s.client.Post(path, workload.Person(n), fields)
	if err == nil && answer.Status != want {
		err = fmt.Errorf("%s: %s, want status %d", path, answer, want)
	}
	return err
}

// send asks for a code for the n-th person.
func (s *server) send(n int) error {
	return s.post(n, workload.SendPath, http.StatusOK, map[string]string{"type": string(identity.PurposeForgotPassword)})
}

// users makes so many more, and returns the first one's number.
func (s *server) users(ctx context.Context, n int) (first int, err error) {
	first = s.people
	s.people += n
	return first, s.Users(ctx, first, s.people)
}

// storage measures bare commits, sends and guesses, and waits for the sends' codes.
func (s *server) storage(ctx context.Context, engine string, clients, steps int) error {
	first, err := s.users(ctx, steps)
	if err != nil {
		return err
	}
	db := s.Store.DB()
	if _, err := db.DB.ExecContext(ctx, "CREATE TABLE bare (id VARCHAR(64) PRIMARY KEY)"); err != nil {
		return err
	}
	insert := "INSERT INTO bare (id) VALUES (?)"
	if db.Dialect().Name() == dialect.PG {
		insert = "INSERT INTO bare (id) VALUES ($1)"
	}
	bare := func(int) error {
		_, err := db.DB.ExecContext(ctx, insert, rand.Text())
		return err
	}
	before, err := parallel(clients, steps, bare)
	if err != nil {
		return err
	}
	sends, err := parallel(clients, steps, func(i int) error {
		return s.send(first + i)
	})
	if err != nil {
		return err
	}
	codes, err := s.Arrived(ctx, first, first+steps)
	if err != nil {
		return err
	}
	guesses, err := parallel(clients, steps, func(i int) error {
		wrong := "000000"
		if codes[i] == wrong {
			wrong = "000001"
		}
		return s.post(first+i, workload.ResetPath, http.StatusBadRequest, map[string]string{"verify_code": wrong, "password": workload.Password})
	})
	if err != nil {
		return err
	}
	after, err := parallel(clients, steps, bare)
	if err != nil {
		return err
	}
	commits := (before.second + after.second) / 2
	row(fmt.Sprintf("sends, %d clients", clients), sends, "bare commits", commits, goals[engine].sends)
	row(fmt.Sprintf("guesses, %d clients", clients), guesses, "bare commits", commits, goals[engine].guesses)
	fmt.Printf("%d sends accepted, %d codes delivered\n", steps, len(codes))
	return nil
}

// resets measures whole resets beside the hash alone.
func (s *server) resets(ctx context.Context, clients, n int) error {
	goal := 0.95
	if clients == 1 {
		n, goal = min(n, 50), 1/1.15 // within 15 % of the hash
	}
	first, err := s.users(ctx, n)
	if err != nil {
		return err
	}
	for i := range n {
		if err := s.send(first + i); err != nil {
			return err
		}
	}
	codes, err := s.Arrived(ctx, first, first+n)
	if err != nil {
		return err
	}
	before, err := hashAlone(ctx, clients, n)
	if err != nil {
		return err
	}
	rate, err := parallel(clients, n, func(i int) error {
		return s.post(first+i, workload.ResetPath, http.StatusOK, map[string]string{
			"verify_code": codes[i], "password": workload.Password + rand.Text()[:4],
		})
	})
	if err != nil {
		return err
	}
	after, err := hashAlone(ctx, clients, n)
	if err != nil {
		return err
	}
	row(fmt.Sprintf("whole resets, %d clients", clients), rate, "hashes", (before+after)/2, goal)
	return nil
}
