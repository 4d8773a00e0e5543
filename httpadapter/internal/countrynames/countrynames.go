// Package countrynames names countries and regions in the languages of the
// documented API.
//
// The names are those of the Unicode CLDR, as golang.org/x/text/language/display
// has them. That package adds over two megabytes to a program, for names in some
// eighty languages; three languages take twelve kilobytes.
package countrynames

//go:generate go run gen.go

// Names are a region's names.
type Names struct {
	English, Simplified, Traditional string
}

// Of returns the names of a region by its ISO 3166-1 alpha-2 code. A region that
// is not known is named by its code.
func Of(region string) Names {
	n, ok := names[region]
	if !ok {
		return Names{region, region, region}
	}
	return Names{English: n[0], Simplified: n[1], Traditional: n[2]}
}
