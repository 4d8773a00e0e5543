package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
)

// TestNumber is a number with a fixed code, for the people of an app store who review
// an app and get no SMS. Until the date, every code sent for the number is Code, and no
// SMS of any kind goes to it. All limits apply.
//
// A person who knows the code can act for the number. So the code works for one user
// alone, who is made for the review: while the number is listed and another user has it,
// that user gets no code at all.
type TestNumber struct {
	Mobile string // any spelling
	// UserID is the user made for the review. Empty: the code works only while the number
	// has no user, as for PurposeRegister.
	UserID string
	Code   Secret    // as many ASCII digits as Config.CodeDigits
	Until  time.Time // mandatory; the number is an ordinary one from then on
}

const (
	mostTestNumbers   = 16
	outcomeTestNumber = "queued: test number"
	outcomeTestTaken  = "test number of another user"
)

// testNumbers are the listed numbers, by E.164.
type testNumbers map[string]TestNumber

func newTestNumbers(c *Config) testNumbers {
	all := testNumbers{}
	parser := mobile.Parser{Region: c.DefaultRegion, Countries: c.Countries}
	for _, n := range c.TestNumbers {
		if number, err := parser.Parse(n.Mobile); err == nil {
			all[number.E164()] = n
		}
	}
	return all
}

func (t testNumbers) at(now time.Time, e164 string) (TestNumber, bool) {
	n, listed := t[e164]
	return n, listed && now.Before(n.Until)
}

// testCode replaces the code that a listed number would get, or says why it gets none.
func (s *Service) testCode(now time.Time, number mobile.Number, user User, code, refused string) (fixed, outcome, refusal string) {
	n, listed := s.tests.at(now, number.E164())
	switch {
	case !listed || refused != "":
		return code, outcomeSent, refused
	case user.ID != "" && user.ID != n.UserID:
		return code, outcomeSent, outcomeTestTaken
	}
	return n.Code.Reveal(), outcomeTestNumber, ""
}

// logTestNumbers says at the start which numbers have a fixed code.
func (s *Service) logTestNumbers(ctx context.Context) {
	for e164, n := range s.tests {
		if s.now().Before(n.Until) {
			s.cfg.Logger.WarnContext(ctx, "a test number has a fixed code", "mobile", mobile.Mask(e164), "user", n.UserID, "until", n.Until)
		}
	}
}

func (c *Config) testNumberFaults(fault func(bad bool, field, format string, args ...any)) {
	fault(len(c.TestNumbers) > mostTestNumbers, "TestNumbers", "has %d numbers, must have at most %d", len(c.TestNumbers), mostTestNumbers)
	parser := mobile.Parser{Region: c.DefaultRegion, Countries: c.Countries}
	var seen []string
	for i, n := range c.TestNumbers {
		field := fmt.Sprintf("TestNumbers[%d]", i)
		number, err := parser.Parse(n.Mobile)
		fault(err != nil, field+".Mobile", "is not a possible mobile number of a served country")
		fault(err == nil && slices.Contains(seen, number.E164()), field+".Mobile", "is listed twice")
		if err == nil {
			seen = append(seen, number.E164())
		}
		code := n.Code.Reveal()
		fault(len(code) != c.CodeDigits || strings.Trim(code, "0123456789") != "", field+".Code", "is not %d digits", c.CodeDigits)
		fault(n.Until.IsZero(), field+".Until", "is missing")
	}
}
