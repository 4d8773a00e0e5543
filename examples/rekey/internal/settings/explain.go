package settings

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/mobile"
)

// Sentence formats an error as one line in the words of the command line: a field of
// the configuration, or an option of the adapter, becomes its flag.
func Sentence(err error) string {
	var parts []string
	for _, one := range each(err) {
		if text := sentence(one); !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

func sentence(err error) string {
	if usage, ok := err.(UsageError); ok { // which says nothing itself
		return Sentence(usage.Err)
	}
	if fault, ok := errors.AsType[*identity.FieldError](err); ok {
		return "-" + FlagName(fault.Field) + " " + fault.Problem
	}
	if fault, ok := errors.AsType[*httpadapter.OptionError](err); ok {
		return "-" + FlagName(fault.Option) + " " + fault.Problem
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "identity: "), "httpadapter: ")
	return strings.ReplaceAll(text, "\n", "; ")
}

// Mobile says what is wrong with a number that the service or package mobile refused.
// Of the number it repeats at most the country code.
func Mobile(err error, number string, c identity.Config) error {
	if !errors.Is(err, identity.ErrInvalidMobile) && !errors.Is(err, mobile.ErrInvalid) {
		return err
	}
	c = c.WithDefaults()
	served := strings.Join(c.Countries, ", ")
	n, parseErr := phonenumbers.Parse(number, c.DefaultRegion)
	if parseErr != nil || !phonenumbers.IsPossibleNumber(n) {
		return errors.New("not a possible mobile number of region " + c.DefaultRegion + "; write one of another region with \"+\" and its country code")
	}
	code := "+" + strconv.Itoa(int(n.GetCountryCode()))
	region := phonenumbers.GetRegionCodeForNumber(n)
	switch {
	case region == "" || region == "ZZ":
		return errors.New(code + "… is not a number of any country; served regions: " + served + " (set -countries)")
	case !slices.Contains(c.Countries, region):
		return errors.New(code + "… is a number of " + region + "; served regions: " + served + " (set -countries)")
	}
	return err
}
