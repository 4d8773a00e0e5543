package identity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
)

func TestMeasureSMS(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want identity.SMSLength
	}{
		"empty":                         {"", identity.SMSLength{Encoding: identity.GSM7, Units: 0, Segments: 1}},
		"160 fit one":                   {strings.Repeat("a", 160), identity.SMSLength{Encoding: identity.GSM7, Units: 160, Segments: 1}},
		"161 need two":                  {strings.Repeat("a", 161), identity.SMSLength{Encoding: identity.GSM7, Units: 161, Segments: 2}},
		"306 fit two":                   {strings.Repeat("a", 306), identity.SMSLength{Encoding: identity.GSM7, Units: 306, Segments: 2}},
		"307 need three":                {strings.Repeat("a", 307), identity.SMSLength{Encoding: identity.GSM7, Units: 307, Segments: 3}},
		"extension takes two":           {"€^{}[]~|\\\f", identity.SMSLength{Encoding: identity.GSM7, Units: 20, Segments: 1}},
		"extension is not split":        {strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), identity.SMSLength{Encoding: identity.GSM7, Units: 306, Segments: 3}},
		"every basic character":         {"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", identity.SMSLength{Encoding: identity.GSM7, Units: 44, Segments: 1}},
		"small c with cedilla is not":   {"ç", identity.SMSLength{Encoding: identity.UCS2, Units: 1, Segments: 1}},
		"nor the grave accent":          {"`", identity.SMSLength{Encoding: identity.UCS2, Units: 1, Segments: 1}},
		"nor a typographic apostrophe":  {"it’s", identity.SMSLength{Encoding: identity.UCS2, Units: 4, Segments: 1}},
		"70 Chinese characters fit one": {strings.Repeat("码", 70), identity.SMSLength{Encoding: identity.UCS2, Units: 70, Segments: 1}},
		"71 need two":                   {strings.Repeat("码", 71), identity.SMSLength{Encoding: identity.UCS2, Units: 71, Segments: 2}},
		"a surrogate pair is not split": {strings.Repeat("码", 66) + "😀" + strings.Repeat("码", 66), identity.SMSLength{Encoding: identity.UCS2, Units: 134, Segments: 3}},
		"invalid UTF-8 is the character that replaces it": {"\xff", identity.SMSLength{Encoding: identity.UCS2, Units: 1, Segments: 1}},
	} {
		if d := cmp.Diff(tt.want, identity.MeasureSMS(tt.text)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
