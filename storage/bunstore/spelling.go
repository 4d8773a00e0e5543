package bunstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/identity/mobile"
)

// Spelling is how an application's table writes numbers. The zero value is E.164,
// "+8613800138000".
type Spelling struct {
	region    string
	spellings func(e164 string) []string
}

// National is the spelling of a table that holds the numbers of one region as people
// dial them there: "13800138000" for "CN", "07400123456" for "GB". Numbers of other
// countries are stored in E.164. Numbers with the usual spaces or dashes, or with the
// country code, are found too, see [mobile.Spellings]; new numbers are written
// as digits. The region is an ISO 3166-1 alpha-2 code.
func National(region string) Spelling {
	return Spelling{region: region, spellings: func(e164 string) []string { return mobile.Spellings(e164, region) }}
}

// SpelledBy is the application's own spelling. The function returns the texts under
// which a number may be stored, at most 64; the first is the text to write. Each of
// them must read as that number in the region, see [mobile.Read].
func SpelledBy(region string, spellings func(e164 string) []string) Spelling {
	return Spelling{region: region, spellings: spellings}
}

const mostSpellings = 64

func (sp Spelling) fault() error {
	switch {
	case sp.spellings == nil && sp.region != "":
		return fmt.Errorf("the function of Spelling is nil")
	case sp.spellings != nil && !mobile.KnownRegion(sp.region):
		return fmt.Errorf("the region %q of Spelling is not an ISO 3166-1 region with phone numbers", sp.region)
	}
	return nil
}

// Write returns the text to store for a number in E.164, for applications that insert
// their own rows.
func (sp Spelling) Write(e164 string) string { return sp.all(e164)[0] }

// all returns the texts that mean the number, at least one.
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

// means reports whether the stored text means the number. It ignores the spaces with
// which columns of the type CHAR(n) fill up texts.
func (sp Spelling) means(stored, e164 string) bool {
	if sp.spellings == nil {
		return stored == e164
	}
	return strings.HasPrefix(e164, "+") && slices.Contains(sp.all(e164), strings.TrimRight(stored, " "))
}

// read returns in E.164 the number that a stored text means, or the text itself if a
// search for the number would not find it.
func (sp Spelling) read(stored string) (e164 string, reachable bool) {
	text := strings.TrimRight(stored, " ")
	e164, err := mobile.Read(text, sp.region)
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
