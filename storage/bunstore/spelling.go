package bunstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

// Spelling is how an application's table writes numbers. The zero value is E.164,
// "+8613800138000".
type Spelling struct {
	region    string
	spellings func(e164 string) []string
}

// National is the spelling of a table that holds the numbers of one region as they
// are dialled there: "13800138000" for "CN", "07400123456" for "GB". Numbers of other
// countries stand in E.164. Rows are also found that have the number with the usual
// spaces or dashes, or with the country code, see [identity.MobileSpellings]; new
// numbers are written as digits. The region is an ISO 3166-1 alpha-2 code.
func National(region string) Spelling {
	return Spelling{region: region, spellings: func(e164 string) []string { return identity.MobileSpellings(e164, region) }}
}

// SpelledBy is a spelling of the application's own. The function returns the texts
// to look for when a number is wanted, at most 64; the first is the one to write.
// Each of them must read as that number in the region, see [identity.ReadMobile].
func SpelledBy(region string, spellings func(e164 string) []string) Spelling {
	return Spelling{region: region, spellings: spellings}
}

const mostSpellings = 64

func (sp Spelling) fault() error {
	switch {
	case sp.spellings == nil && sp.region != "":
		return fmt.Errorf("the function of Spelling is nil")
	case sp.spellings != nil && !identity.KnownRegion(sp.region):
		return fmt.Errorf("the region %q of Spelling is not an ISO 3166-1 region with phone numbers", sp.region)
	}
	return nil
}

// Write returns the text to store for a number in E.164. An application that
// inserts its own rows uses it.
func (sp Spelling) Write(e164 string) string { return sp.all(e164)[0] }

// all are the texts that mean the number. There is at least one.
func (sp Spelling) all(e164 string) []string {
	if sp.spellings == nil {
		return []string{e164}
	}
	texts := sp.spellings(e164)
	if len(texts) == 0 {
		return []string{e164}
	}
	return texts[:min(len(texts), mostSpellings)]
}

// means reports whether the stored text is one of the number's. Columns of the type
// CHAR(n) fill texts with spaces.
func (sp Spelling) means(stored, e164 string) bool {
	if sp.spellings == nil {
		return stored == e164
	}
	return strings.HasPrefix(e164, "+") && slices.Contains(sp.all(e164), strings.TrimRight(stored, " "))
}

// read is the number that a stored text means in E.164, or the text itself if it
// would not be found when the number is looked for.
func (sp Spelling) read(stored string) (e164 string, reachable bool) {
	text := strings.TrimRight(stored, " ")
	e164, err := identity.ReadMobile(text, sp.region)
	if err != nil {
		return stored, false
	}
	if sp.spellings == nil {
		return stored, stored == e164
	}
	if !slices.Contains(sp.all(e164), text) {
		return stored, false
	}
	return e164, true
}
