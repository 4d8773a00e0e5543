package sms_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/sms"
)

func TestMeasure(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want sms.Length
	}{
		"empty":                         {"", sms.Length{Encoding: sms.GSM7, Units: 0, Segments: 1}},
		"160 fit one":                   {strings.Repeat("a", 160), sms.Length{Encoding: sms.GSM7, Units: 160, Segments: 1}},
		"161 need two":                  {strings.Repeat("a", 161), sms.Length{Encoding: sms.GSM7, Units: 161, Segments: 2}},
		"306 fit two":                   {strings.Repeat("a", 306), sms.Length{Encoding: sms.GSM7, Units: 306, Segments: 2}},
		"307 need three":                {strings.Repeat("a", 307), sms.Length{Encoding: sms.GSM7, Units: 307, Segments: 3}},
		"extension takes two":           {"€^{}[]~|\\\f", sms.Length{Encoding: sms.GSM7, Units: 20, Segments: 1}},
		"extension is not split":        {strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), sms.Length{Encoding: sms.GSM7, Units: 306, Segments: 3}},
		"every basic character":         {"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", sms.Length{Encoding: sms.GSM7, Units: 44, Segments: 1}},
		"small c with cedilla is not":   {"ç", sms.Length{Encoding: sms.UCS2, Units: 1, Segments: 1}},
		"nor the grave accent":          {"`", sms.Length{Encoding: sms.UCS2, Units: 1, Segments: 1}},
		"nor a typographic apostrophe":  {"it’s", sms.Length{Encoding: sms.UCS2, Units: 4, Segments: 1}},
		"70 Chinese characters fit one": {strings.Repeat("码", 70), sms.Length{Encoding: sms.UCS2, Units: 70, Segments: 1}},
		"71 need two":                   {strings.Repeat("码", 71), sms.Length{Encoding: sms.UCS2, Units: 71, Segments: 2}},
		"a surrogate pair is not split": {strings.Repeat("码", 66) + "😀" + strings.Repeat("码", 66), sms.Length{Encoding: sms.UCS2, Units: 134, Segments: 3}},
		"invalid UTF-8 is the character that replaces it": {"\xff", sms.Length{Encoding: sms.UCS2, Units: 1, Segments: 1}},
	} {
		if d := cmp.Diff(tt.want, sms.Measure(tt.text)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
