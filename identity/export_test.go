package identity

import (
	"io"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/internal/passhash"
)

// ParseMobile exposes the number parser.
func ParseMobile(input, region string, countries ...string) (e164, of string, err error) {
	s := &Service{mobiles: mobile.Parser{Region: region, Countries: countries}}
	n, err := s.parse(input)
	return n.E164(), n.Region(), err
}

// CheckPassword exposes the password rules that need no storage.
func CheckPassword(p PasswordPolicy, password, e164, service string) error {
	c := Config{Password: p}
	c.fill()
	n, err := mobile.FromE164(e164)
	if err != nil {
		return err
	}
	return c.Password.check(password, n, service)
}

// SetRandom replaces the random source of codes and ids.
func (s *Service) SetRandom(r io.Reader) { s.ids.random, s.ids.uuids.random = r, r }

// NewUUIDs exposes the generator of ids.
func NewUUIDs(random io.Reader) (next func(now time.Time) (string, error)) {
	return (&uuidGenerator{random: random}).next
}

// SetPurgeInterval has Run look at the clock, and purge, more often.
func (s *Service) SetPurgeInterval(d time.Duration) { s.purgeEvery = d }

// Nudge has Run look for messages now, rather than within a second. Messages that
// another service queued, and those whose pause is over by a clock that a test set, are
// found by looking.
func (s *Service) Nudge() {
	for lane := range s.relay.lanes {
		s.relay.wake(lane)
	}
}

// MatchHash exposes the comparison of a password with a stored hash.
func MatchHash(phc, password string) (bool, error) {
	h, err := passhash.Parse(phc)
	if err != nil {
		return false, err
	}
	return passhash.NewHasher(passhash.Params(minHash)).Matches(h, normalize(NewSecret(password)).Reveal())
}

// ParseCode and CodeDigit expose how a code is read.
func ParseCode(input Secret, digits int) (string, bool) { return parseCode(input, digits) }

// CodeDigit is the value of a decimal digit.
func CodeDigit(r rune) (byte, bool) { return codeDigit(r) }
