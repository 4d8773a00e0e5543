package mobile

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/seed-16109ab2/rekey/identity/internal/decimal"
)

// ErrInvalid says that an input is not a number, or not a number of a served region. The
// error never holds the input.
var ErrInvalid = errors.New("invalid mobile number")

// Parser turns all spellings of a number into one [Number].
type Parser struct {
	// Region is the region of numbers without country code.
	Region string
	// Countries are the regions served, as ISO 3166-1 alpha-2 codes.
	Countries []string
}

const (
	maxInput = 256 // bytes, room for format characters around every digit
	maxE164  = 15  // digits (ITU-T E.164, 6)
	// maxDigits has room for an international prefix, a trunk prefix and a carrier code.
	maxDigits = maxE164 + 9

	argentina, mexico = "54", "52"
)

// KnownRegion reports whether a region has telephone numbers.
func KnownRegion(region string) bool { return phonenumbers.GetCountryCodeForRegion(region) != 0 }

// Parse reads a number. Error: [ErrInvalid].
func (p Parser) Parse(input string) (Number, error) {
	digits, err := clean(input)
	if err != nil {
		return Number{}, err
	}
	n, err := p.read(digits)
	if err != nil {
		return Number{}, err
	}
	region, ok := p.served(n)
	if !ok || textless(n) {
		return Number{}, ErrInvalid
	}
	number := newNumber(n, region)
	if len(number.E164()) > 1+maxE164 {
		return Number{}, ErrInvalid
	}
	if digits == number.E164() {
		return number, nil
	}
	// Refuse a number whose E.164 form reads as another number.
	if again, err := p.read(number.E164()); err != nil || phonenumbers.Format(again, phonenumbers.E164) != number.E164() {
		return Number{}, ErrInvalid
	}
	return number, nil
}

// clean returns the digits, after the plus sign if there is one.
func clean(input string) (string, error) {
	if len(input) > maxInput {
		return "", ErrInvalid
	}
	var b strings.Builder
	for _, r := range strings.TrimSpace(input) {
		digit, ok := decimal.Value(r)
		switch {
		case ok:
			b.WriteByte('0' + byte(digit))
		case plus(r):
			if b.Len() > 0 {
				return "", ErrInvalid
			}
			b.WriteByte('+')
		case !meaningless(r):
			return "", ErrInvalid
		}
	}
	if b.Len() > maxDigits {
		return "", ErrInvalid
	}
	return b.String(), nil
}

func plus(r rune) bool { return r == '+' || r == '＋' || r == '﹢' }

// meaningless reports whether people and telephones put the character into numbers without
// changing them.
func meaningless(r rune) bool {
	switch r {
	case '\t', '.', '．', '·', '・', '•', '(', ')', '（', '）', '[', ']', '/', '／':
		return true
	case '\u2212', '\u30fc', '\uff70': // the minus sign; what Japanese keyboards write for a dash
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Zs, unicode.Pd)
}

// read returns the one possible number that the digits mean.
func (p Parser) read(digits string) (*phonenumbers.PhoneNumber, error) {
	n, err := parse(digits, p.Region)
	if err != nil {
		return nil, err
	}
	code, national := countryCode(n), phonenumbers.GetNationalSignificantNumber(n)
	if !strings.HasPrefix(national, code) {
		return n, checkPossible(n)
	}
	// The national digits begin with the country code. Without a prefix they may mean a
	// number with its country code. With a prefix the country code may have been written
	// twice.
	other, err := parse("+"+national, "")
	if err != nil || checkPossible(other) != nil {
		return n, checkPossible(n)
	}
	bare := digits == national
	switch asRead, withCode := isMobile(n), isMobile(other); {
	case checkPossible(n) != nil && bare:
		return other, nil
	case asRead && !withCode, !bare && !withCode:
		return n, checkPossible(n)
	case withCode && !asRead && bare:
		return other, nil
	}
	return nil, ErrInvalid
}

// parse reads digits with the library, and corrects for the habits of Argentina and Mexico.
// The result may not be a possible number.
func parse(digits, region string) (*phonenumbers.PhoneNumber, error) {
	n, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return nil, ErrInvalid
	}
	code, national := countryCode(n), phonenumbers.GetNationalSignificantNumber(n)
	switch {
	case code == mexico:
		for _, prefix := range []string{"1", "01", "044", "045"} {
			if rest, ok := strings.CutPrefix(national, prefix); ok && len(rest) == 10 && rest[0] != '0' {
				return phonenumbers.Parse("+"+mexico+rest, "")
			}
		}
	case code == argentina && len(national) == 12 && strings.HasPrefix(national, "90"):
		return phonenumbers.Parse("+"+argentina+"9"+national[2:], "") // 9 and the area with its trunk prefix
	case code == argentina && len(national) == 10:
		// Area codes begin with 11, 2 and 3.
		if strings.HasPrefix(national, "11") || national[0] == '2' || national[0] == '3' {
			return phonenumbers.Parse("+"+argentina+"9"+national, "")
		}
		if national[0] == '1' {
			return nil, ErrInvalid // 15 and a number without its area code
		}
	}
	return n, nil
}

func checkPossible(n *phonenumbers.PhoneNumber) error {
	if phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return ErrInvalid
	}
	return nil
}

func countryCode(n *phonenumbers.PhoneNumber) string { return strconv.Itoa(int(n.GetCountryCode())) }

func isMobile(n *phonenumbers.PhoneNumber) bool {
	t := phonenumbers.GetNumberType(n)
	return t == phonenumbers.MOBILE || t == phonenumbers.FIXED_LINE_OR_MOBILE
}

// served returns the region to which a number belongs, if it is served.
func (p Parser) served(n *phonenumbers.PhoneNumber) (region string, ok bool) {
	region = phonenumbers.GetRegionCodeForNumber(n)
	if region != "" && region != "ZZ" {
		return region, slices.Contains(p.Countries, region)
	}
	// The number plan does not know the area. The main region of the country code is the
	// first in the list.
	for _, region := range phonenumbers.GetRegionCodesForCountryCode(int(n.GetCountryCode())) {
		if slices.Contains(p.Countries, region) {
			return region, true
		}
	}
	return "", false
}

// textless reports whether the number is of a kind that receives no text messages, or
// expensive ones.
func textless(n *phonenumbers.PhoneNumber) bool {
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.TOLL_FREE:
		return true
	}
	// In North America these areas are of that kind, assigned or not.
	area := phonenumbers.GetNationalSignificantNumber(n)
	if n.GetCountryCode() != 1 || len(area) < 3 {
		return false
	}
	return area[:3] == "900" || area[0] == '8' && area[1] == area[2] && area[1] != '1'
}
