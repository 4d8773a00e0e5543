package mobile

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Stored reads a number that an application stored, in any spelling. It reads numbers of
// all countries, also of those that are not served. A number without a country code
// belongs to the region; if the region is empty, it is not a number. Error: [ErrInvalid].
func Stored(text, region string) (Number, error) {
	digits, err := clean(text)
	if err != nil {
		return Number{}, err
	}
	n, err := Parser{Region: region}.read(digits)
	if err != nil {
		return Number{}, err
	}
	return FromE164(phonenumbers.Format(n, phonenumbers.E164))
}

// Written returns the spellings in which an application of the region may store a number,
// the usual one first: the digits that are dialled at home, or E.164 for a number of
// another country. It leaves out spellings that [Stored] would read as another number. A
// text that is not a number in E.164 is its own only spelling.
func Written(e164, region string) []string {
	number, err := FromE164(e164)
	if err != nil {
		return []string{e164}
	}
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return []string{e164}
	}
	code := countryCode(n)
	home := phonenumbers.GetCountryCodeForRegion(region) == int(n.GetCountryCode())
	groups := digitGroups(strings.TrimPrefix(phonenumbers.Format(n, phonenumbers.INTERNATIONAL), "+"+code))
	var all []string
	add := func(prefix string, groups []string, separators ...string) {
		for _, s := range separators {
			all = append(all, prefix+strings.Join(groups, s))
		}
	}
	if home {
		national := phonenumbers.Format(n, phonenumbers.NATIONAL)
		add("", digitGroups(national), "", " ", "-")
		all = append(all, national)
		add("", groups, "", " ", "-", ".")
	} else {
		all = append(all, e164)
	}
	add("+"+code, groups, "")
	add(code, groups, "")
	add("00"+code, groups, "")
	add("+"+code+" ", groups, "", " ", "-")
	add("+"+code+"-", groups, "", "-")
	add(code+"-", groups, "")
	add("(+"+code+")", groups, "")
	written := make([]string, 0, len(all))
	for _, text := range all {
		if again, err := Stored(text, region); err == nil && again == number && !slices.Contains(written, text) {
			written = append(written, text)
		}
	}
	return written
}

// digitGroups returns the runs of digits in a formatted number.
func digitGroups(formatted string) []string {
	return strings.FieldsFunc(formatted, func(r rune) bool { return r < '0' || r > '9' })
}
