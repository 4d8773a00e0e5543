package identity

import (
	"io"

	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

// ParseMobile exposes the number parser.
func ParseMobile(input, region string, countries ...string) (e164, of string, err error) {
	return mobileParser{region: region, countries: countries}.parse(input)
}

// MaskMobile exposes the mask.
func MaskMobile(e164 string) string { return maskMobile(e164) }

// CheckPassword exposes the rules that need no storage.
func CheckPassword(p PasswordPolicy, password, mobile, service string) error {
	c := Config{Password: p}
	c.fill()
	return c.Password.check(password, mobile, service)
}

// SetRandom replaces the random source of codes and ids.
func (s *Service) SetRandom(r io.Reader) { s.random = r }

// MatchHash exposes the comparison of a password with a stored hash.
func MatchHash(phc, password string) (bool, error) {
	h, err := passhash.Parse(phc)
	if err != nil {
		return false, err
	}
	return passhash.NewHasher(passhash.Params(minHash)).Matches(h, normalizePassword(NewSecret(password)))
}

// ParseCode exposes the reading of codes.
func ParseCode(input Secret, digits int) (string, bool) { return parseCode(input, digits) }

// CodeDigit exposes the value of a digit.
func CodeDigit(r rune) (byte, bool) { return codeDigit(r) }

// CountryOf exposes the facts of a region.
func CountryOf(region string) Country { return country(region) }
