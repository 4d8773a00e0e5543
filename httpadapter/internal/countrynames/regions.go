package countrynames

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// packed is text: a line with each known language and the number of its list of names,
// from 0, or -1 if it has none; a line with the regions; and the lists, a line each, in
// the order of the regions.
//
//go:embed regions.gz
var packed []byte

// Regions returns, for each tag, the names of regions by ISO 3166-1 alpha-2 code. Like
// display.Regions of golang.org/x/text, it takes the closest known language, such as
// Austrian German for de-AT and traditional Chinese for zh-TW, or nil if none is close. A
// call for languages other than plain English and Chinese unpacks the file, which takes up
// to 3 ms, so ask for all languages in one call.
func Regions(tags []language.Tag) []map[string]string {
	found := make([]map[string]string, len(tags))
	var others []int // tags that are not in names
	for i, tag := range tags {
		switch tag {
		case language.English, language.Chinese, language.SimplifiedChinese, language.TraditionalChinese:
			l, _ := LanguageOf(tag)
			found[i] = make(map[string]string, len(names))
			for region := range names {
				found[i][region] = Of(region).In(l)
			}
		default:
			others = append(others, i)
		}
	}
	if len(others) == 0 {
		return found
	}
	lines := unpack()
	matcher, lists := known(lines())
	wanted := map[int][]int{} // places in tags, by number of the list
	for _, i := range others {
		if _, at, confidence := matcher.Match(tags[i]); confidence != language.No {
			wanted[lists[at]] = append(wanted[lists[at]], i)
		}
	}
	delete(wanted, -1)
	regions := strings.Fields(lines())
	for number := 0; len(wanted) > 0; number++ {
		line := lines()
		for _, i := range wanted[number] {
			found[i] = make(map[string]string, len(regions))
			for r, name := range strings.Split(line, "\t") {
				found[i][regions[r]] = name
			}
		}
		delete(wanted, number)
	}
	return found
}

// unpack returns a function that returns the next line of the file.
func unpack() func() string {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic("countrynames: regions.gz: " + err.Error())
	}
	s := bufio.NewScanner(z)
	return func() string {
		if !s.Scan() {
			panic("countrynames: regions.gz is cut off; run go generate")
		}
		return s.Text()
	}
}

// known reads the languages of the file, and the number of the list of each one.
func known(line string) (language.Matcher, []int) {
	var tags []language.Tag
	var lists []int
	for one := range strings.FieldsSeq(line) {
		name, number, _ := strings.Cut(one, "=")
		n, err := strconv.Atoi(number)
		if err != nil {
			panic("countrynames: regions.gz: " + err.Error())
		}
		tags, lists = append(tags, language.Raw.Make(name)), append(lists, n)
	}
	return language.NewMatcher(tags), lists
}
