package passhash_test

import (
	"fmt"
	"testing"

	"github.com/alexedwards/argon2id"

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

// Passwords would be bound to this module if only it could check its hashes. The
// library can check our hashes, and we can check the library's.
func TestHashesAreStandardArgon2id(t *testing.T) {
	t.Parallel()
	for _, p := range costs {
		hasher := passhash.NewHasher(p)
		for i := range 3 {
			word := fmt.Sprint(password, i)
			ours, err := hasher.Create(word)
			if err != nil {
				t.Fatal(err)
			}
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
			for name, with := range map[string]*passhash.Hasher{"at its own costs": hasher, "at other costs": cheap} {
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
