package httpadapter

import (
	"context"
	"fmt"
	"strconv"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/countrynames"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/mobile"
)

// The read-only routes check the form of the headers and use no storage: their answers
// are the same for all callers.

type countryCodes struct {
	Definitions []areaCode `json:"phoneAreaCodeDefinitions"`
	Preferred   string     `json:"preferredAreaCode"` // a country code, in spite of its name
}

type areaCode struct {
	AreaCode       string            `json:"areaCode"` // the calling code, without a plus sign
	DisplayMapping map[string]string `json:"displayMapping"`
	CountryCode    string            `json:"countryCode"`
	MobileRegex    string            `json:"mobileRegex"`
	Suffixes       []string          `json:"areaCodeSuffixes"`
}

func (h *handler) countryCodes(context.Context, identity.Caller, []byte) ([]byte, *refusal) {
	region := h.service.DefaultRegion()
	answer := countryCodes{Definitions: []areaCode{}, Preferred: region}
	for _, served := range h.service.Countries() {
		c := mobile.CountryOf(served)
		names := countrynames.Of(c.Region)
		answer.Definitions = append(answer.Definitions, areaCode{
			AreaCode:       strconv.Itoa(c.CallingCode),
			DisplayMapping: map[string]string{"en": names.English, "zh-CN": names.Simplified, "zh-TW": names.Traditional},
			CountryCode:    c.Region,
			MobileRegex:    mobileRegex(c, c.Region == region),
			Suffixes:       []string{},
		})
	}
	return encode(answer), nil
}

// chinaDigits is the documented rule for numbers of China. It is narrower than the number
// plan, but covers all mobile numbers in use.
const chinaDigits = `1\d{10}`

// mobileRegex describes the numbers of a country, for clients that check a number before
// they send it. The service accepts other spellings too. The calling code is optional in
// the default region only, because a number without one belongs to that region.
func mobileRegex(c mobile.Country, byDefault bool) string {
	digits := chinaDigits
	if c.Region != "CN" {
		digits = fmt.Sprintf(`\d{%d,%d}`, c.MinDigits, c.MaxDigits)
		if byDefault && c.TrunkPrefix != "" {
			digits = fmt.Sprintf(`(?:%s)?%s`, c.TrunkPrefix, digits)
		}
	}
	times := "{1}"
	if byDefault {
		times = "{0,1}"
	}
	return fmt.Sprintf(`^(\+%d)%s\-?%s$`, c.CallingCode, times, digits)
}

func (h *handler) serverDate(context.Context, identity.Caller, []byte) ([]byte, *refusal) {
	return encode(struct {
		Timestamp string `json:"timestamp"`
	}{strconv.FormatInt(h.service.Now().UnixMilli(), 10)}), nil
}
