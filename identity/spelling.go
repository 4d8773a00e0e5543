package identity

import "github.com/seed-16109ab2/rekey/identity/internal/mobile"

// MobileSpellings returns the ways in which an application of a region may have
// stored a number that is given in E.164, the usual one first. For
// "+8613800138000" and "CN" these are "13800138000", "138 0013 8000",
// "138-0013-8000", "+8613800138000" and others, about 20. A number of another
// country is usually stored in E.164. [ReadMobile] reads each of them as the same
// number. The region is an ISO 3166-1 alpha-2 code.
//
// It is for stores on an application's own table, which look a number up under all
// of its spellings.
func MobileSpellings(e164, region string) []string { return mobile.Written(e164, region) }

// ReadMobile returns the E.164 form of a number that an application stored in any
// spelling. A number without a country code belongs to the region. Unlike
// [Service.NormalizeMobile] it reads numbers of countries that are not served, and
// of any kind. Errors: [ErrInvalidMobile].
func ReadMobile(text, region string) (string, error) {
	n, err := mobile.Stored(text, region)
	if err != nil {
		return "", ErrInvalidMobile
	}
	return n.E164(), nil
}

// KnownRegion reports whether a region has telephone numbers. The region is an ISO
// 3166-1 alpha-2 code.
func KnownRegion(region string) bool { return mobile.KnownRegion(region) }
