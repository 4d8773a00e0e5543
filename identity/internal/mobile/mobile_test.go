package mobile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
)

func in(region string, countries ...string) mobile.Parser {
	if countries == nil {
		countries = []string{region}
	}
	return mobile.Parser{Region: region, Countries: countries}
}

func TestOneTelephoneIsOneNumber(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		parser mobile.Parser
		want   string
		inputs []string
	}{
		{in("CN"), "+8612345678901", []string{
			"12345678901", "+8612345678901", "+86-12345678901", "+86 123 4567 8901", "86-12345678901", "8612345678901", "008612345678901",
			"１２３４５６７８９０１", "＋８６１２３４５６７８９０１", "(123)4567-8901", " 12345678901 ", "123.4567.8901", "(+86)12345678901", "（＋８６）１２３-４５６７-８９０１",
			"\u202a+86 123 4567 8901\u202c", "\u202d12345678901\u202c", "\u206612345678901\u2069", "\u200e+86\u200f12345678901", "\ufeff12345678901", "12345678901\u200b", "1\u2060234\u20625678\u2063901", "123\u00ad45678901",
			"123\u202f4567\u202f8901", "123\u20094567\u20098901", "123\u30004567\u30008901", "123\u00a04567\u20078901", "123\t4567\t8901", "12345678901\r\n", "\u2003\u205f12345678901\u1680",
			"123\u20104567\u20118901", "123\u20124567\u20138901", "123\u20144567\u20158901", "123\u22124567\ufe638901", "123\uff0d4567\ufe588901", "123\u30fc4567\uff708901", "123\u301c4567\u30a08901", "123／4567／8901", "123・4567・8901",
			"١٢٣٤٥٦٧٨٩٠١", "۱۲۳۴۵۶۷۸۹۰۱", "१२३४५६७८९०१", "๑๒๓๔๕๖๗๘๙๐๑", "𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗𝟎𝟏", "+٨٦ ١٢٣ ٤٥٦٧ ٨٩٠١", "+86 012345678901", "\u200f+\u200f86 12345678901",
		}},
		{in("AR"), "+5491123456789", []string{"+54 9 11 2345-6789", "11 2345-6789", "011 15 2345-6789", "11 15 2345-6789", "+54 11 2345-6789", "+54 11 15 2345-6789", "9 11 2345 6789", "011 2345-6789", "00 54 9 11 2345 6789", "+54 (011) 15-2345-6789", "54 9 11 2345-6789", "+54 9 (011) 2345-6789"}},
		{in("AR"), "+5493514567890", []string{"+54 9 351 456-7890", "0351 15 456-7890", "351 456-7890", "(0351) 15-456-7890", "+54 351 4567890"}},
		{in("AR"), "+5492966423456", []string{"+54 9 2966 42-3456", "02966 15-42-3456", "2966 423456"}},
		{in("MX"), "+525512345678", []string{"+52 1 55 1234 5678", "+52 55 1234 5678", "55 1234 5678", "044 55 1234 5678", "045 55 1234 5678", "01 55 1234 5678", "1 55 1234 5678", "00 52 1 55 1234 5678", "0052 55 1234 5678", "52 1 55 1234 5678", "52 55 1234 5678"}},
		{in("CN", "MX", "AR"), "+525512345678", []string{"+5215512345678", "+525512345678", "005215512345678"}},
		{in("DE"), "+4915112345678", []string{"0151 12345678", "+49 151 12345678", "+49 (0)151 12345678", "0049 151 12345678", "4915112345678", "49 151 12345678", "15112345678", "0151/12345678"}},
		{in("DE"), "+4949112345", []string{"0491 12345", "+49 491 12345", "+49 (0) 491 12345"}},
		{in("IT"), "+393931234567", []string{"393 1234567", "39 393 1234567", "+39 393 1234567"}},
		{in("IT"), "+390612345678", []string{"06 1234 5678", "+39 06 1234 5678"}},
		{in("IN"), "+919198765432", []string{"9198765432", "91 9198765432", "09198765432"}},
		{in("BR"), "+5511912345678", []string{"+55 11 91234-5678", "11 91234-5678", "0 15 11 91234-5678", "55 11 91234 5678"}},
		{in("BR"), "+5555991234567", []string{"55 99123-4567", "+55 55 99123-4567"}},
		{in("US"), "+14155550100", []string{"(415) 555-0100", "415.555.0100", "1 415 555 0100", "+1-415-555-0100", "+1 (415) 555-0100", "011 1 415 555 0100"}},
		{in("RU"), "+79123456789", []string{"8 912 345-67-89", "+7 912 345 67 89", "912 345 67 89", "7 912 345 67 89", "8 (912) 345 67 89"}},
		{in("GB"), "+447400123456", []string{"07400 123456", "+44 7400 123456", "+44 (0)7400 123456", "00447400123456", "447400123456"}},
		{in("FR"), "+33612345678", []string{"06 12 34 56 78", "+33 6 12 34 56 78", "+33 (0)6 12 34 56 78", "0033612345678", "33612345678"}},
		{in("JP"), "+819012345678", []string{"090ー1234ー5678", "090-1234-5678", "+81 90 1234 5678", "０９０−１２３４−５６７８"}},
	} {
		for _, input := range test.inputs {
			if got, err := test.parser.Parse(input); err != nil || got.E164() != test.want {
				t.Errorf("%s: %+q = %q, %v; want %s", test.parser.Region, input, got.E164(), err, test.want)
			}
		}
	}
}

func TestTwoTelephonesAreTwoNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		parser mobile.Parser
		a, b   string
	}{
		{in("BR"), "+55 11 91234-5678", "+55 11 1234-5678"},
		{in("IT"), "+39 06 12345678", "+39 6 12345678"},
		{in("CI"), "+225 01 23 45 67 89", "+225 05 23 45 67 89"},
	} {
		a, err := test.parser.Parse(test.a)
		if err != nil {
			t.Errorf("%s: %v", test.a, err)
		}
		if b, err := test.parser.Parse(test.b); err == nil && a == b {
			t.Errorf("%s and %s are %s", test.a, test.b, a.E164())
		}
	}
}

func TestInvalidNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		parser mobile.Parser
		inputs []string
	}{
		{in("CN"), []string{
			"", " ", "1", "abc", "+", "+86", "123", "1234567890123456789", "12345678901x5", "12345678901;ext=5", "12345678901 ext 5", "12345678901#5", "tel:+8612345678901",
			"+1 800 FLOWERS", "12345678901\x00", "1234567\n8901", "1234567\u20288901", "' OR 1=1 --", "+86+12345678901", "12345678901+", "86+12345678901", "++8612345678901", "1234567890½", "12345678９0①",
			"１２３４五六七八九〇一", "*12345678901", "12345678901,5", "12345678901~2", "12345678901e1", strings.Repeat("1", 5000), strings.Repeat("１", 5000), strings.Repeat("\u200b", 300) + "12345678901", "\xff\xfe",
		}},
		{in("DE"), []string{"4921112345", "49151123456", "+49 49 151 12345678", "00494915112345678", "49 49 151 12345678"}}, // some have two readings, others have the country code twice
		{in("AR"), []string{"15 2345-6789", "2345-6789"}},                                                                   // without their area
		{in("MX"), []string{"+52 1 55 1234 56", "1234 5678"}},
		{in("US"), []string{"555-0100", "+1 55 0100"}},
	} {
		for _, input := range test.inputs {
			if got, err := test.parser.Parse(input); !errors.Is(err, mobile.ErrInvalid) || !got.IsZero() {
				t.Errorf("%s: %.40q = %q, %v", test.parser.Region, input, got.E164(), err)
			}
		}
	}
}

func TestServedRegions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		input     string
		countries []string
		region    string // empty: refused
	}{
		{"+14155550100", []string{"CN"}, ""},
		{"+14155550100", []string{"CN", "US"}, "US"},
		{"+88212345678", []string{"CN", "US"}, ""},
		{"+88812345678901", []string{"CN", "US"}, ""},
		{"+85251234567", []string{"CN"}, ""},
		{"+85251234567", []string{"CN", "HK"}, "HK"},
		// Areas of a shared country code that belong to a region that is not served.
		{"+12685550100", []string{"US"}, ""},
		{"+18765550100", []string{"US"}, ""},
		{"+18765550100", []string{"US", "JM"}, "JM"},
		{"+16845550100", []string{"US"}, ""},
		{"+14165550100", []string{"US"}, ""},
		{"+77011234567", []string{"RU"}, ""},
		{"+77011234567", []string{"RU", "KZ"}, "KZ"},
		{"+447781123456", []string{"GB"}, ""},
		{"+262639123456", []string{"FR"}, ""},
		// Areas that are not assigned yet count as the served region of the country code.
		{"+18615550100", []string{"US"}, "US"},
		{"+18615550100", []string{"CA"}, "CA"},
		{"+18615550100", []string{"JM", "US"}, "US"},
		{"+18615550100", []string{"CN"}, ""},
		{"+79612345678", []string{"RU"}, "RU"},
		{"+76001234567", []string{"RU"}, "RU"},
		{"+76001234567", []string{"KZ"}, "KZ"},
		{"+447700900123", []string{"GB"}, "GB"},
		{"+262639123456", []string{"RE"}, "RE"},
		{"+262639123456", []string{"YT"}, "YT"},
	} {
		got, err := in("CN", test.countries...).Parse(test.input)
		if got.Region() != test.region || (err == nil) != (test.region != "") {
			t.Errorf("%s in %v: %q, %v; want %q", test.input, test.countries, got.Region(), err, test.region)
		}
	}
}

func TestNumbersThatCostAreRefused(t *testing.T) {
	t.Parallel()
	for region, inputs := range map[string][]string{
		"US": {"+1 900 555 0100", "+1 900 111 0000", "+1 800 555 0100", "888 555 0100", "+1 833 555 0100", "+1 822 055 0100"},
		"GB": {"+44 900 123 4567", "0909 879 0000", "+44 843 123 4567", "0800 123 4567", "0845 123 4567"},
		"DE": {"0900 1234567", "0180 5123456", "0800 1234567"},
		"FR": {"08 99 12 34 56", "0800 12 34 56", "08 10 12 34 56"},
		"CN": {"400 123 4567", "+86 800 123 4567", "4001234567"},
		"AR": {"0800 555 1234", "0600 555 1234"},
		"JP": {"0120 123 456", "0990 123 456"},
		"RU": {"8 800 555 35 35", "8 809 123 45 67"},
		"AU": {"1900 123 456", "1800 123 456", "1300 123 456"},
	} {
		for _, input := range inputs {
			if got, err := in(region).Parse(input); err == nil {
				t.Errorf("%s is accepted as %s", input, got.E164())
			}
		}
	}
}

func TestNumbersPrintMasked(t *testing.T) {
	t.Parallel()
	n, err := in("CN").Parse("13987620145")
	if err != nil {
		t.Fatal(err)
	}
	const secret, masked = "13987620145", "+86*******0145"
	wrapped := struct {
		inside mobile.Number
		Public mobile.Number
		p      *mobile.Number
	}{n, n, &n}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		if got := fmt.Sprintf(verb, n); got != masked {
			t.Errorf("%s prints %s", verb, got)
		}
		for _, v := range []any{wrapped, &wrapped, []mobile.Number{n}, map[string]any{"n": n}, wrapped.p} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
	if b, err := json.Marshal(wrapped); err != nil || strings.Contains(string(b), secret) {
		t.Errorf("JSON: %s, %v", b, err)
	}
	var log strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("x", "n", n, "w", wrapped)
	}
	if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), masked) {
		t.Errorf("log: %s", log.String())
	}
	if n.E164() != "+8613987620145" || n.National() != secret || n.Region() != "CN" || n.Masked() != masked {
		t.Errorf("%s, %s, %s, %s", n.E164(), n.National(), n.Region(), n.Masked())
	}
	if stored, err := mobile.FromE164("+8613987620145"); err != nil || stored != n {
		t.Errorf("stored: %v, %v", stored, err)
	}
}

func TestStoredNumbersEqualParsedNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ region, input string }{
		{"CN", "12345678901"}, {"US", "+18615550100"}, {"US", "+14155550100"}, {"AR", "11 2345-6789"}, {"MX", "+52 1 55 1234 5678"}, {"IT", "06 1234 5678"}, {"GB", "+447700900123"},
	} {
		n, err := in(test.region).Parse(test.input)
		if err != nil {
			t.Fatal(test.input, err)
		}
		if stored, err := mobile.FromE164(n.E164()); err != nil || stored != n {
			t.Errorf("%s: stored %s %s, parsed %s %s, %v", test.input, stored.E164(), stored.Region(), n.E164(), n.Region(), err)
		}
	}
}

func TestMaskKeepsTooLittleToCall(t *testing.T) {
	t.Parallel()
	for e164, want := range map[string]string{
		"+8612345678901": "+86*******8901", "+14155550100": "+1******0100", "+2902345": "+290**45", "+85251234567": "+852****4567", "+123": "****", "": "", "+1234567": "+1***567",
	} {
		if got := mobile.Mask(e164); got != want {
			t.Errorf("mask of %q = %q, want %q", e164, got, want)
		}
	}
}

func TestZeroNumber(t *testing.T) {
	t.Parallel()
	var n mobile.Number
	if !n.IsZero() || n.E164() != "" || n.Region() != "" || n.National() != "" || n.String() != "" || n.Spellings() != nil || fmt.Sprintf("%v", n) != "" {
		t.Error("the zero Number is not empty")
	}
	for _, s := range []string{"", "12345678901", "+", "+86", "+86 12345678901", "nothing"} {
		if n, err := mobile.FromE164(s); err == nil || !n.IsZero() {
			t.Errorf("FromE164(%q) = %s", s, n.E164())
		}
	}
}

func TestSpellings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		parser mobile.Parser
		input  string
		want   []string
	}{
		{in("CN"), "13987620145", []string{"8613987620145", "13987620145"}},
		{in("AR"), "11 2345-6789", []string{"5491123456789", "91123456789", "1123456789", "541123456789", "111523456789"}},
		{in("MX"), "55 1234 5678", []string{"525512345678", "5512345678", "5215512345678"}},
	} {
		n, err := test.parser.Parse(test.input)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range test.want {
			if !slices.Contains(n.Spellings(), want) {
				t.Errorf("%s: no %s in %v", test.input, want, n.Spellings())
			}
		}
	}
}

// Property: the result is E.164, reads as itself for any region, and cannot be
// recovered from its mask.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"12345678901", "+8612345678901", "+86-123 4567.8901", "008612345678901", "١٢٣", "+14155550100", "0", "4915112345678", "+5491123456789", "01115 23456789", "+52155 12345678", "\u202a+1\u202c"} {
		f.Add(seed, uint8(len(seed)))
	}
	regions := []string{"CN", "US", "GB", "IT", "BR", "MX", "AR", "DE", "RU", "FR", "IN", "CI", "SH", "RE", "JP"}
	f.Fuzz(func(t *testing.T, input string, region uint8) {
		p := mobile.Parser{Region: regions[int(region)%len(regions)], Countries: regions}
		n, err := p.Parse(input)
		if err != nil {
			if !n.IsZero() {
				t.Fatal("something is returned with an error")
			}
			return
		}
		e164 := n.E164()
		if len(e164) < 5 || len(e164) > 16 || e164[0] != '+' || strings.Trim(e164[1:], "0123456789") != "" {
			t.Fatalf("%q is not E.164", e164)
		}
		for _, r := range regions {
			if again, err := (mobile.Parser{Region: r, Countries: regions}).Parse(e164); err != nil || again != n {
				t.Fatalf("%q in %s reads as %q, %v", e164, r, again.E164(), err)
			}
		}
		if strings.Contains(n.Masked(), n.National()) || strings.Contains(fmt.Sprintf("%#v", n), n.National()) {
			t.Fatalf("%q reveals %q", n.Masked(), n.National())
		}
		if !strings.HasSuffix(e164, n.National()) || !slices.Contains(regions, n.Region()) {
			t.Fatalf("%q, %q", n.National(), n.Region())
		}
	})
}
