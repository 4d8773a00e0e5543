package passhash

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alexedwards/argon2id"
	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"
)

// The bounds of a stored hash. A hash string that exceeds them is an attack on the reader
// of the database, or a mistake. Both are errors.
const (
	maxHashLength       = 512
	maxArgonKiB         = 1 << 20 // 1 GiB
	maxArgonIterations  = 64
	maxArgonParallelism = 16
	maxBcryptCost       = 16
	maxScryptKiB        = 128 << 10 // OWASP's N=2^17, r=8
	maxScryptParallel   = 10        // OWASP's lowest-memory choice, N=2^13, r=8, p=10
	maxPBKDF2Iterations = 2_000_000 // OWASP asks 600,000 of SHA-256, 1,300,000 of SHA-1
	minSalt, maxSalt    = 8, 64
	minKey, maxKey      = 16, 128
)

// ErrMalformed says that a stored text is not a hash, or that its parameters are out of
// bounds. The error never holds the hash.
var ErrMalformed = errors.New("stored password hash malformed or out of bounds")

// Hash is a parsed hash whose parameters are within bounds.
type Hash struct {
	argon     *argon2id.Params // nil for another scheme
	salt, key []byte           // of argon2id
	digest    algorithm.Digest
	prehashed bool     // bcrypt of the hexadecimal SHA-256, as Django's bcrypt_sha256 is
	derived   *derived // of a framework
}

// Parse reads a PHC or modular-crypt string: argon2id, bcrypt ($2a$, $2b$,
// $2y$), scrypt ($scrypt$ln=…) and PBKDF2 ($pbkdf2-sha256$…, -sha512, -sha1); and
// what Django (pbkdf2_sha256$…, pbkdf2_sha1$…, argon2$argon2id$…, bcrypt$…,
// bcrypt_sha256$…, scrypt$…) and Spring ({bcrypt}…, {argon2}$argon2id$…) make of
// these. Anything else, or costs out of bounds, is ErrMalformed.
func Parse(phc string) (Hash, error) {
	if len(phc) > maxHashLength {
		return Hash{}, ErrMalformed
	}
	if h, ok := parseDerived(phc); ok {
		return h, nil
	}
	if inner, ok := strings.CutPrefix(phc, "bcrypt_sha256$"); ok {
		h, err := Parse(inner)
		if _, is := h.digest.(*bcrypt.Digest); err != nil || !is {
			return Hash{}, ErrMalformed
		}
		h.prehashed = true
		return h, nil
	}
	phc = unwrap(phc)
	fields := strings.Split(phc, "$")
	if len(fields) < 4 || fields[0] != "" {
		return Hash{}, ErrMalformed
	}
	switch scheme := fields[1]; {
	case scheme == "argon2id":
		return parseArgon2id(phc)
	case scheme == "2a" || scheme == "2b" || scheme == "2y":
		return parseOther(phc, bcrypt.Decode, inBounds(fields[2], 4, maxBcryptCost))
	case scheme == "scrypt":
		return parseOther(phc, scrypt.Decode, scryptInBounds(fields[2]))
	case scheme == "pbkdf2" || strings.HasPrefix(scheme, "pbkdf2-"):
		return parseOther(phc, pbkdf2.Decode, inBounds(fields[2], 1, maxPBKDF2Iterations))
	}
	return Hash{}, ErrMalformed
}

func parseArgon2id(phc string) (Hash, error) {
	p, salt, key, err := argon2id.DecodeHash(phc)
	if err != nil {
		return Hash{}, ErrMalformed
	}
	// The library panics on t = 0 and p = 0, and accepts any m.
	ok := p.Memory >= 8 && p.Memory <= maxArgonKiB &&
		p.Iterations >= 1 && p.Iterations <= maxArgonIterations &&
		p.Parallelism >= 1 && p.Parallelism <= maxArgonParallelism &&
		len(salt) >= minSalt && len(salt) <= maxSalt && len(key) >= minKey && len(key) <= maxKey
	// The library's parser ignores characters after a number. Only one spelling is accepted.
	canonical := fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$", p.Memory, p.Iterations, p.Parallelism)
	if !ok || !strings.HasPrefix(phc, canonical) {
		return Hash{}, ErrMalformed
	}
	return Hash{argon: p, salt: salt, key: key}, nil
}

func parseOther(phc string, decode func(string) (algorithm.Digest, error), inBounds bool) (Hash, error) {
	if !inBounds {
		return Hash{}, ErrMalformed
	}
	d, err := decode(phc)
	if err != nil || len(d.Salt()) < minSalt || len(d.Salt()) > maxSalt || len(d.Key()) < minKey || len(d.Key()) > maxKey {
		return Hash{}, ErrMalformed
	}
	return Hash{digest: d}, nil
}

func inBounds(number string, lo, hi int) bool {
	n, err := strconv.Atoi(number)
	return err == nil && n >= lo && n <= hi
}

// scryptInBounds reads "ln=17,r=8,p=1". Memory is 128·N·r bytes (RFC 7914, 2).
func scryptInBounds(params string) bool {
	var ln, r, p uint32
	if n, err := fmt.Sscanf(params, "ln=%d,r=%d,p=%d", &ln, &r, &p); err != nil || n != 3 {
		return false
	}
	return params == fmt.Sprintf("ln=%d,r=%d,p=%d", ln, r, p) &&
		ln >= 1 && ln <= 20 && r >= 1 && r <= 64 && p >= 1 && p <= maxScryptParallel &&
		uint64(128)<<ln*uint64(r) <= maxScryptKiB<<10
}

func (h Hash) params() Params {
	return Params{MemoryKiB: h.argon.Memory, Iterations: h.argon.Iterations, Parallelism: h.argon.Parallelism}
}

// bcryptBytes is how many bytes of a password bcrypt hashes.
const bcryptBytes = 72

// Truncates reports whether a match does not prove that the whole password is right,
// because bcrypt hashes only the first 72 bytes.
func (h Hash) Truncates(password string) bool {
	_, is := h.digest.(*bcrypt.Digest)
	return is && !h.prehashed && len(password) >= bcryptBytes
}

// matchesOther compares with hashes of schemes other than argon2id.
func (h Hash) matchesOther(password string) (bool, error) {
	if h.derived != nil {
		return h.derived.matches(password)
	}
	if h.digest == nil {
		return false, ErrMalformed
	}
	if h.prehashed {
		password = digestFirst(password)
	}
	ok, err := h.digest.MatchAdvanced(password)
	if err != nil {
		return false, nil // no such password can have been set
	}
	return ok, nil
}
