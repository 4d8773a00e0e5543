package passhash_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"

	"github.com/alexedwards/argon2id"
	pooled "github.com/minio/argon2"
	"golang.org/x/crypto/argon2"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

var costs = []passhash.Params{
	{MemoryKiB: 8, Iterations: 1, Parallelism: 1},
	{MemoryKiB: 64, Iterations: 1, Parallelism: 1},
	{MemoryKiB: 65, Iterations: 3, Parallelism: 2}, // not a multiple of 4·lanes: rounded down
	{MemoryKiB: 1_000, Iterations: 2, Parallelism: 4},
	{MemoryKiB: 256, Iterations: 4, Parallelism: 16},
	{MemoryKiB: 19_456, Iterations: 2, Parallelism: 1},
}

// A hash that only this module could check would lock everybody out on the day
// the pooled implementation is given up: each must be able to read the other's.
func TestHashesAreEverybodysArgon2id(t *testing.T) {
	t.Parallel()
	for _, p := range costs {
		hasher := passhash.NewHasher(p)
		for i := range 3 { // from the second on in memory that held another hash
			word := fmt.Sprint(password, i)
			ours := hasher.Create(word)
			if ok, err := argon2id.ComparePasswordAndHash(word, ours); !ok || err != nil {
				t.Errorf("%+v: the reference refuses %s: %v, %v", p, ours, ok, err)
			}
			theirs, err := argon2id.CreateHash(word, &argon2id.Params{
				Memory: p.MemoryKiB, Iterations: p.Iterations, Parallelism: p.Parallelism, SaltLength: 16, KeyLength: 32,
			})
			if err != nil {
				t.Fatal(err)
			}
			h, err := passhash.Parse(theirs)
			if err != nil {
				t.Fatal(err)
			}
			for name, with := range map[string]*passhash.Hasher{"pooled": hasher, "at other costs": cheap} {
				if ok, err := with.Matches(h, word); !ok || err != nil {
					t.Errorf("%+v, %s: the reference's hash is refused: %v, %v", p, name, ok, err)
				}
				if ok, _ := with.Matches(h, word+"x"); ok {
					t.Errorf("%+v, %s: matched by another password", p, name)
				}
			}
		}
	}
}

// Memory handed from one hash to the next while both run would give wrong
// digests, and, worse, equal ones.
func TestReusedMemoryIsNeverShared(t *testing.T) {
	t.Parallel()
	p := passhash.Params{MemoryKiB: 512, Iterations: 1, Parallelism: 2}
	hasher := passhash.NewHasher(p)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range 20 {
				word := fmt.Sprint(worker, "-", i)
				phc := hasher.Create(word)
				if ok, err := argon2id.ComparePasswordAndHash(word, phc); !ok || err != nil {
					t.Errorf("worker %d, hash %d: %v, %v", worker, i, ok, err)
				}
			}
		})
	}
	wg.Wait()
}

// RFC 9106, section 5.3: the published vector of Argon2id, secret and
// associated data included.
func TestPublishedVector(t *testing.T) {
	t.Parallel()
	fill := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	derive := pooled.NewIDKey(3, 32, 4)
	const want = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
	for range 2 {
		if got := hex.EncodeToString(derive(fill(1, 32), fill(2, 16), fill(3, 8), fill(4, 12), 32)); got != want {
			t.Errorf("tag %s, want %s", got, want)
		}
	}
}

// Property: whatever the password and the salt, pooled memory yields the same
// key as memory that nobody used before.
func FuzzPooledDerive(f *testing.F) {
	f.Add([]byte(password), []byte("somesaltsomesalt"), uint8(1))
	f.Add([]byte{}, []byte{}, uint8(0))
	derive := make([]func(password, salt, secret, data []byte, keyLength uint32) []byte, len(costs)-1)
	for i := range derive { // without the last, full-size one
		derive[i] = pooled.NewIDKey(costs[i].Iterations, costs[i].MemoryKiB, costs[i].Parallelism)
	}
	f.Fuzz(func(t *testing.T, password, salt []byte, which uint8) {
		i := int(which) % len(derive)
		p := costs[i]
		want := argon2.IDKey(password, salt, p.Iterations, p.MemoryKiB, p.Parallelism, 32)
		if got := derive[i](password, salt, nil, nil, 32); !bytes.Equal(got, want) {
			t.Fatalf("%+v: %x, want %x", p, got, want)
		}
	})
}
