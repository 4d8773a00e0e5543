package benchmark_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/alexedwards/argon2id"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/internal/lab/workload"
)

func open(b *testing.B) *workload.Service {
	b.Helper()
	svc, err := workload.New(context.Background(), b.TempDir(), 0, func(c *identity.Config) { c.AnswerStep = -1 })
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := svc.Close(); err != nil {
			b.Error(err)
		}
	})
	return svc
}

// ready makes b.N users, and sends each a code.
func ready(b *testing.B, svc *workload.Service) []string {
	b.Helper()
	if err := svc.Users(context.Background(), 0, b.N); err != nil {
		b.Fatal(err)
	}
	codes, err := svc.Codes(context.Background(), 0, b.N)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	return codes
}

func password() string { return workload.Password + rand.Text()[:4] }

// BenchmarkArgon2id measures the one hash that a reset computes. As many hashes run at
// the same time as the gate allows.
func BenchmarkArgon2id(b *testing.B) {
	params := &argon2id.Params{Memory: 19_456, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := argon2id.CreateHash(workload.Password, params); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkReset measures ResetByMobile on SQLite with many callers.
func BenchmarkReset(b *testing.B) {
	svc := open(b)
	codes := ready(b, svc)
	var next atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(next.Add(1)) - 1
			err := svc.ResetByMobile(context.Background(), identity.ResetRequest{
				Caller: workload.Caller(), Mobile: workload.Number(i), Code: identity.NewSecret(codes[i]), Password: identity.NewSecret(password()),
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkHTTPReset measures the documented request on SQLite with many callers.
func BenchmarkHTTPReset(b *testing.B) {
	svc := open(b)
	routes, err := httpadapter.New(svc.Service, httpadapter.Options{})
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(routes)
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	codes := ready(b, svc)
	var next atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(next.Add(1)) - 1
			status, err := workload.Post(context.Background(), client, srv.URL+workload.ResetPath, map[string]string{
				"mobile": workload.Number(i), "verify_code": codes[i], "password": password(),
			})
			if err != nil || status != http.StatusOK {
				b.Errorf("status %d, %v", status, err)
			}
		}
	})
}

// BenchmarkWrongGuess measures a refused reset, which computes no hash.
func BenchmarkWrongGuess(b *testing.B) {
	svc := open(b)
	if err := svc.Users(context.Background(), 0, 1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		err := svc.ResetByMobile(context.Background(), identity.ResetRequest{
			Caller: workload.Caller(), Mobile: workload.Number(0), Code: identity.NewSecret("000000"), Password: identity.NewSecret(workload.Password),
		})
		if !errors.Is(err, identity.ErrCodeRefused) {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend measures a send until its answer. Deliveries run at the same time.
func BenchmarkSend(b *testing.B) {
	svc := open(b)
	if err := svc.Users(context.Background(), 0, 1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		err := svc.SendVerifyCode(context.Background(), identity.SendRequest{
			Caller: workload.Caller(), Mobile: workload.Number(0), Purpose: identity.PurposeForgotPassword,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
