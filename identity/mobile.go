package identity

import "github.com/seed-16109ab2/rekey/identity/internal/mobile"

// mobileParser turns every spelling of a number into its one E.164 form.
type mobileParser struct {
	region    string
	countries []string
}

// parse returns the E.164 form and the region. Error: [ErrInvalidMobile].
func (p mobileParser) parse(input string) (e164, region string, err error) {
	n, err := mobile.Parser{Region: p.region, Countries: p.countries}.Parse(input)
	if err != nil {
		return "", "", ErrInvalidMobile
	}
	return n.E164(), n.Region(), nil
}

func knownRegion(region string) bool { return mobile.KnownRegion(region) }

// maskMobile keeps the country and the last digits: enough for support, too
// little to call.
func maskMobile(e164 string) string { return mobile.Mask(e164) }
