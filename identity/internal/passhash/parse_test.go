package passhash_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

var cheap = passhash.NewHasher(passhash.Params{MemoryKiB: 64, Iterations: 1, Parallelism: 1})

const password = "violet-Harbor-93"

func create(t testing.TB) string {
	t.Helper()
	phc, err := cheap.Create(password)
	if err != nil {
		t.Fatal(err)
	}
	return phc
}

func TestCreateAndMatch(t *testing.T) {
	t.Parallel()
	phc := create(t)
	h, err := passhash.Parse(phc)
	if err != nil {
		t.Fatal(err)
	}
	for guess, want := range map[string]bool{password: true, password + " ": false, strings.ToLower(password): false, "": false} {
		if got, err := cheap.Matches(h, guess); got != want || err != nil {
			t.Errorf("Matches(%q) = %v, %v; want %v", guess, got, err, want)
		}
	}
	if !cheap.Current(h) {
		t.Error("a fresh hash is not current")
	}
	if passhash.NewHasher(passhash.Params{MemoryKiB: 64, Iterations: 2, Parallelism: 1}).Current(h) {
		t.Error("a hash with other costs is current")
	}
}

func TestForeignSchemesVerify(t *testing.T) {
	t.Parallel()
	b, err := bcrypt.New(bcrypt.WithCost(10))
	if err != nil {
		t.Fatal(err)
	}
	s, err := scrypt.New(scrypt.WithLN(10))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pbkdf2.New(pbkdf2.WithIterations(100_000))
	if err != nil {
		t.Fatal(err)
	}
	for name, hasher := range map[string]algorithm.Hash{"bcrypt": b, "scrypt": s, "pbkdf2": p} {
		d, err := hasher.Hash(password)
		if err != nil {
			t.Fatal(name, err)
		}
		h, err := passhash.Parse(d.Encode())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if ok, err := cheap.Matches(h, password); !ok || err != nil {
			t.Errorf("%s: right password: %v, %v", name, ok, err)
		}
		if ok, err := cheap.Matches(h, password+"x"); ok || err != nil {
			t.Errorf("%s: wrong password: %v, %v", name, ok, err)
		}
		if ok, err := cheap.Matches(h, strings.Repeat("x", 200)); ok || err != nil {
			t.Errorf("%s: long password: %v, %v", name, ok, err)
		}
		if cheap.Current(h) {
			t.Errorf("%s counts as current", name)
		}
	}
}

// A hash string in the database may be an attack: t = 0 or p = 0 would make the library
// panic, and a large m would use up the machine's memory.
func TestHostileHashesAreRefused(t *testing.T) {
	t.Parallel()
	const tail = "$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObGRdescudvJCs"
	for _, phc := range []string{
		"", "$", "$$$", "argon2id", "plain", password,
		"$argon2id$v=19$m=64,t=0,p=1" + tail,
		"$argon2id$v=19$m=64,t=1,p=0" + tail,
		"$argon2id$v=19$m=0,t=1,p=1" + tail,
		"$argon2id$v=19$m=4294967295,t=1,p=1" + tail,
		"$argon2id$v=19$m=64,t=4294967295,p=1" + tail,
		"$argon2id$v=19$m=64,t=1,p=255" + tail,
		"$argon2id$v=19$m=64,t=1,p=1,x=1" + tail,
		"$argon2id$v=19$m=064,t=1,p=1" + tail,
		"$argon2id$v=19$m=-1,t=1,p=1" + tail,
		"$argon2id$v=16$m=64,t=1,p=1" + tail,
		"$argon2i$v=19$m=64,t=1,p=1" + tail,
		"$argon2id$v=19$m=64,t=1,p=1$$",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
		"$2b$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"$2b$10$short",
		"$scrypt$ln=30,r=8,p=1" + tail,
		"$scrypt$ln=17,r=64,p=1" + tail,
		"$scrypt$ln=17,r=0,p=1" + tail,
		"$scrypt$ln=10,r=8,p=1073741823" + tail,
		"$pbkdf2-sha256$2147483647$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub.b.dWRWJTmaaJObGRdescudvJCs",
		"$pbkdf2-sha256$0$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub.b.dWRWJTmaaJObGRdescudvJCs",
		"$y$j9T$LdJMENpBABJJ3hIHjB1Bi.$HboGM6qPrsK.StKYGt6KErmUYtioHreJd98oIugoNB6",
		"$1$salt$qJH7.N4xYta3aEG/dfqo/0",
		"$plaintext$password",
		"$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("A", 1<<16) + "$AAAA",
	} {
		h, err := passhash.Parse(phc)
		if !errors.Is(err, passhash.ErrMalformed) {
			t.Errorf("Parse(%.60q) = %v, want ErrMalformed", phc, err)
		}
		if ok, _ := cheap.Matches(h, password); ok {
			t.Errorf("%.60q matches", phc)
		}
	}
	if ok, err := cheap.Matches(passhash.Hash{}, ""); ok || err == nil {
		t.Error("the zero Hash matches something")
	}
}

// Property: parameters of a parsed hash are within bounds, so matching neither panics
// nor exceeds the bounds. The hash of another password never matches.
func FuzzParse(f *testing.F) {
	f.Add(create(f))
	f.Add("$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")
	f.Add("$scrypt$ln=4,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObGRdescudvJCs")
	f.Add("$pbkdf2-sha256$1000$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub.b.dWRWJTmaaJObGRdescudvJCs")
	f.Fuzz(func(t *testing.T, input string) {
		h, err := passhash.Parse(input)
		if err != nil {
			if !errors.Is(err, passhash.ErrMalformed) {
				t.Fatalf("error %v", err)
			}
			if strings.Contains(err.Error(), input) && len(input) > 3 {
				t.Fatal("the error contains the hash")
			}
			return
		}
		if len(input) > 512 {
			t.Fatal("an unbounded string parsed")
		}
		if strings.Contains(input, "m=64,t=1,p=1$") { // cheap enough to compute
			if ok, _ := cheap.Matches(h, "another password"); ok {
				t.Fatal("matched by another password")
			}
		}
	})
}
