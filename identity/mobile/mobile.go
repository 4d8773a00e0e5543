// Package mobile reads, writes and masks mobile numbers for code outside the
// service, such as a store on an application's own table, a page that asks for a
// number, or a log. The service itself reads numbers with Service.NormalizeMobile of
// package identity, which also refuses the numbers of countries that are not served.
package mobile

import "github.com/seed-16109ab2/rekey/identity/internal/mobile"

// ErrInvalid says that a text is not a number. It never contains the text.
var ErrInvalid = mobile.ErrInvalid

// Spellings returns the ways in which an application of a region may have stored a
// number that is given in E.164, the usual one first. For "+8613800138000" and "CN"
// these are "13800138000", "138 0013 8000", "138-0013-8000", "+8613800138000" and
// others, about 20. A number of another country is usually stored in E.164. [Read]
// reads each of them as the same number. The region is an ISO 3166-1 alpha-2 code.
//
// It is for stores on an application's own table, which look a number up under all
// of its spellings.
func Spellings(e164, region string) []string { return mobile.Written(e164, region) }

// Read returns the E.164 form of a number that an application stored in any
// spelling. A number without a country code belongs to the region. Unlike the
// service it reads numbers of countries that are not served, and of any kind.
// Error: [ErrInvalid].
func Read(text, region string) (string, error) {
	n, err := mobile.Stored(text, region)
	if err != nil {
		return "", ErrInvalid
	}
	return n.E164(), nil
}

// Mask returns an E.164 number as the audit trail shows it: the country code and
// the last digits, such as +86*******8901. Anything else is masked whole.
func Mask(e164 string) string { return mobile.Mask(e164) }

// KnownRegion reports whether a region has telephone numbers. The region is an ISO
// 3166-1 alpha-2 code.
func KnownRegion(region string) bool { return mobile.KnownRegion(region) }
