package passhash_test

import (
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

// Hashes in the forms in which frameworks store them.
func TestHashesOfFrameworks(t *testing.T) {
	t.Parallel()
	bcryptHash := "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy" // of bcrypt's usual example
	argon := create(t)
	for _, test := range []struct{ name, stored, password, scheme string }{
		{"Django pbkdf2_sha256", "pbkdf2_sha256$1000$seasalt2seasalt$UZaMqbjFtHn+qZAx8qlFNJ98Fz7pws/hIaAoJwxEYP4=", "lètmein", "Django pbkdf2_sha256"},
		{"Django pbkdf2_sha1", "pbkdf2_sha1$1000$seasalt2seasalt$bqEZQfiXL8i6SzeFCk1WPScNg+A=", "lètmein", "Django pbkdf2_sha1"},
		{"Django scrypt", "scrypt$1024$seasalt2seasalt$8$5$f88mE1MrXjU2BNzAhW3nFXD8tUhr6WlVxLsRrpq2134B7zX65McmXtO9BCxrh19lGo2zs3PoHjyv/f9j8W8zAw==", "lètmein", "Django scrypt"},
		{"Django bcrypt_sha256", "bcrypt_sha256$$2a$04$RZ33FpyXJ689.aMdoqImoe/ZxR5ZyqZLXCQTcd5l1s/Fh1ZM1LnDq", "lètmein", "Django bcrypt_sha256"},
		{"Django argon2", "argon2" + argon, password, "Django argon2"},
		{"Spring argon2", "{argon2}" + argon, password, "{argon2}"},
		{"Spring argon2 of 5.8", "{argon2@SpringSecurity_v5_8}" + argon, password, "{argon2@SpringSecurity_v5_8}"},
	} {
		h, err := passhash.Parse(test.stored)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if ok, err := cheap.Matches(h, test.password); !ok || err != nil {
			t.Errorf("%s: the right password: %v, %v", test.name, ok, err)
		}
		if ok, _ := cheap.Matches(h, test.password+"x"); ok {
			t.Errorf("%s: a wrong password matches", test.name)
		}
		if h.Truncates(strings.Repeat("x", 80)) {
			t.Errorf("%s counts as cut after 72 bytes", test.name)
		}
		if cheap.Current(h) && strings.HasPrefix(test.stored, "pbkdf2") {
			t.Errorf("%s counts as current", test.name)
		}
		if got := passhash.Scheme(test.stored); got != test.scheme {
			t.Errorf("%s: scheme %q", test.name, got)
		}
	}
	for _, stored := range []string{"{bcrypt}" + bcryptHash, "bcrypt$" + bcryptHash, strings.Replace(bcryptHash, "$2a$", "$2y$", 1)} {
		h, err := passhash.Parse(stored)
		if err != nil || !h.Truncates(strings.Repeat("x", 72)) {
			t.Errorf("%.12s: %v, or not cut after 72 bytes", stored, err)
		}
	}
	for stored, scheme := range map[string]string{
		"{noop}violet-Harbor-93": "{noop}", "violet-Harbor-93": "unknown", "!unusable": "Django unusable password",
		"5f4dcc3b5aa765d61d8327deb882cf99": "bare MD5 or the like (32 hexadecimal digits)",
		"$6$salt$hash":                     "sha512-crypt", "{SSHA}AAAA": "{SSHA}", "pbkdf2:sha256:1$x$y": "Werkzeug PBKDF2",
		"pbkdf2_sha256$9999999999$seasalt2seasalt$" + strings.Repeat("A", 43) + "=": "Django pbkdf2_sha256",
		"scrypt$1048576$seasalt2seasalt$64$10$" + strings.Repeat("A", 86) + "==":    "Django scrypt",
		"bcrypt_sha256$" + argon: "Django bcrypt_sha256",
	} {
		if passhash.Reads(stored) {
			t.Errorf("%.30s can be verified", stored)
		}
		if got := passhash.Scheme(stored); got != scheme {
			t.Errorf("%.30s: scheme %q, want %q", stored, got, scheme)
		}
	}
}
