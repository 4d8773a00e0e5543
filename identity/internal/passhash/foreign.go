package passhash

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // Django's older default; it is verified, never made
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/go-crypt/crypt/algorithm/scrypt"
)

// derived is a hash in a framework's own format, computed by a key derivation function of
// the standard library.
type derived struct {
	key    []byte
	derive func(password string) ([]byte, error)
}

// unwrap removes what a framework writes before a hash of a common format: Django's
// "argon2" and "bcrypt$", Spring's "{bcrypt}" and "{argon2}".
func unwrap(stored string) string {
	for _, prefix := range []string{"{bcrypt}", "{argon2}", "{argon2@SpringSecurity_v5_8}", "bcrypt$"} {
		if rest, ok := strings.CutPrefix(stored, prefix); ok {
			return rest
		}
	}
	if rest, ok := strings.CutPrefix(stored, "argon2$"); ok {
		return "$" + rest
	}
	return stored
}

// parseDerived reads Django's "pbkdf2_sha256$260000$salt$hash", "pbkdf2_sha1$…" and
// "scrypt$16384$salt$8$1$hash".
func parseDerived(stored string) (Hash, bool) {
	fields := strings.Split(stored, "$")
	last := fields[len(fields)-1]
	key, err := base64.StdEncoding.DecodeString(last)
	if err != nil || len(key) < minKey || len(key) > maxKey || base64.StdEncoding.EncodeToString(key) != last {
		return Hash{}, false
	}
	number := func(s string, lo, hi int) (int, bool) {
		n, err := strconv.Atoi(s)
		return n, err == nil && n >= lo && n <= hi && strconv.Itoa(n) == s
	}
	switch {
	case len(fields) == 4 && (fields[0] == "pbkdf2_sha256" || fields[0] == "pbkdf2_sha1"):
		rounds, ok := number(fields[1], 1, maxPBKDF2Iterations)
		salt := []byte(fields[2])
		if !ok || len(salt) < minSalt || len(salt) > maxSalt {
			return Hash{}, false
		}
		derive := func(password string) ([]byte, error) { return pbkdf2.Key(sha256.New, password, salt, rounds, len(key)) }
		if fields[0] == "pbkdf2_sha1" {
			derive = func(password string) ([]byte, error) { return pbkdf2.Key(sha1.New, password, salt, rounds, len(key)) }
		}
		return Hash{derived: &derived{key, derive}}, true
	case len(fields) == 6 && fields[0] == "scrypt":
		n, okN := number(fields[1], 2, 1<<20)
		r, okR := number(fields[3], 1, 64)
		p, okP := number(fields[4], 1, maxScryptParallel)
		salt := []byte(fields[2])
		if !okN || !okR || !okP || n&(n-1) != 0 || uint64(128)*uint64(n)*uint64(r) > maxScryptKiB<<10 || len(salt) < minSalt || len(salt) > maxSalt {
			return Hash{}, false
		}
		phc := fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", bits.TrailingZeros(uint(n)), r, p,
			base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
		h, err := parseOther(phc, scrypt.Decode, true)
		return h, err == nil
	}
	return Hash{}, false
}

func (d *derived) matches(password string) (bool, error) {
	key, err := d.derive(password)
	return err == nil && subtle.ConstantTimeCompare(key, d.key) == 1, err
}

// digestFirst returns what Django's "bcrypt_sha256$" passes to bcrypt.
func digestFirst(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// Scheme names the scheme of a stored hash by its format, for reports, or returns
// "unknown". It does not say whether the hash can be verified.
func Scheme(stored string) string {
	for _, s := range []struct{ prefix, name string }{
		{"$argon2id$", "argon2id"}, {"$argon2i$", "argon2i"}, {"$argon2d$", "argon2d"},
		{"$2a$", "bcrypt"}, {"$2b$", "bcrypt"}, {"$2y$", "bcrypt"}, {"$2x$", "bcrypt $2x$"},
		{"$scrypt$", "scrypt"}, {"$pbkdf2", "PBKDF2"}, {"$1$", "md5-crypt"}, {"$5$", "sha256-crypt"}, {"$6$", "sha512-crypt"}, {"$y$", "yescrypt"},
		{"$P$", "phpass"}, {"$H$", "phpass"}, {"$S$", "Drupal"}, {"$apr1$", "apr1"},
		{"pbkdf2_sha256$", "Django pbkdf2_sha256"}, {"pbkdf2_sha1$", "Django pbkdf2_sha1"}, {"argon2$argon2id$", "Django argon2"}, {"argon2$", "Django argon2 (not argon2id)"},
		{"bcrypt$", "Django bcrypt"}, {"bcrypt_sha256$", "Django bcrypt_sha256"}, {"scrypt$", "Django scrypt"}, {"scrypt:", "Werkzeug scrypt"},
		{"sha1$", "Django sha1"}, {"md5$", "Django md5"}, {"unsalted_", "Django unsalted"}, {"pbkdf2:", "Werkzeug PBKDF2"}, {"!", "Django unusable password"},
	} {
		if strings.HasPrefix(stored, s.prefix) {
			return s.name
		}
	}
	if strings.HasPrefix(stored, "{") {
		if name, _, ok := strings.Cut(stored[1:], "}"); ok && len(name) <= 32 {
			return "{" + strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("@_-.", r) {
					return r
				}
				return '?'
			}, name) + "}"
		}
	}
	if _, err := hex.DecodeString(stored); err == nil {
		switch len(stored) {
		case 32:
			return "bare MD5 or the like (32 hexadecimal digits)"
		case 40:
			return "bare SHA-1 or the like (40 hexadecimal digits)"
		case 64:
			return "bare SHA-256 or the like (64 hexadecimal digits)"
		case 128:
			return "bare SHA-512 or the like (128 hexadecimal digits)"
		}
	}
	return "unknown"
}
