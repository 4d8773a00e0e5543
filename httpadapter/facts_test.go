package httpadapter_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
	"github.com/seed-16109ab2/rekey/identity/mobile"
)

func get(t *testing.T, url, path string, change ...func(http.Header)) answer {
	t.Helper()
	h := headers()
	h.Del("Content-Type")
	for _, c := range change {
		c(h)
	}
	return do(t, http.MethodGet, url+path, h, nil)
}

// answered checks what every answer with a body has in common.
func answered(t *testing.T, a answer, body string) {
	t.Helper()
	if a.status != http.StatusOK || a.body != body || a.header.Get("Content-Type") != contentType {
		t.Errorf("answered %d %q %s, want %s", a.status, a.header.Get("Content-Type"), a.body, body)
	}
	guarded(t, a)
}

func TestFacts(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := serve(t, handler(t, f, httpadapter.Options{}))
	answered(t, get(t, s.URL, datePath), `{"timestamp":"1628496812345"}`)
	countries := `{"phoneAreaCodeDefinitions":[` +
		`{"areaCode":"86","displayMapping":{"en":"China","zh-CN":"中国","zh-TW":"中國"},"countryCode":"CN","mobileRegex":"^(\\+86){0,1}\\-?1\\d{10}$","areaCodeSuffixes":[]},` +
		`{"areaCode":"852","displayMapping":{"en":"Hong Kong SAR China","zh-CN":"中国香港特别行政区","zh-TW":"中國香港特別行政區"},"countryCode":"HK","mobileRegex":"^(\\+852){1}\\-?\\d{5,11}$","areaCodeSuffixes":[]}` +
		`],"preferredAreaCode":"CN"}`
	answered(t, get(t, s.URL, countriesPath), countries)

	for _, path := range []string{datePath, countriesPath} {
		head := do(t, http.MethodHead, s.URL+path, headers(), nil)
		if head.status != http.StatusOK || head.body != "" {
			t.Errorf("HEAD %s: %d %q", path, head.status, head.body)
		}
		guarded(t, head)
		for _, method := range []string{"POST", "OPTIONS", "DELETE", "get"} {
			a := do(t, method, s.URL+path, headers(), nil)
			refusedWith(t, a, 405, "SDK.COMMON.1002", "The method parameter format is incorrect.")
			if a.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", a.header.Get("Allow"))
			}
		}
		refusedWith(t, get(t, s.URL, path, del("X-client-id")), 400, "APP.0002", "Application ID required.")
		refusedWith(t, get(t, s.URL, path, del("X-agent")), 400, "SDK.COMMON.1003", "Device information is incomplete.")
		refusedWith(t, get(t, s.URL, path, set("X-tenant-id", "a\tb"), set("X-L", "zh")), 400, "SDK.COMMON.1002", "参数X-tenant-id格式不正确。")
		refusedWith(t, get(t, s.URL, path+"/"), 404, "SDK.COMMON.1002", "The path parameter format is incorrect.")
	}
	broken := serve(t, handler(t, &fake{during: func(ctx context.Context) { panic("broken") }}, httpadapter.Options{}))
	for _, path := range []string{datePath, countriesPath} {
		refusedWith(t, get(t, broken.URL, path), 500, "SDK.COMMON.1008", "The system is busy. Try again later.")
	}
	if f.calls() != 0 {
		t.Error("a use case was called")
	}
}

func TestFactsOfAService(t *testing.T) {
	t.Parallel()
	f := identitytest.New(t, func(c *identity.Config) { c.DefaultRegion, c.Countries = "DE", []string{"DE", "CN"} })
	h, err := httpadapter.New(f.Service, httpadapter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, h)
	var got struct {
		Definitions []struct {
			AreaCode, CountryCode, MobileRegex string
		} `json:"phoneAreaCodeDefinitions"`
		Preferred string `json:"preferredAreaCode"`
	}
	if err := json.Unmarshal([]byte(get(t, s.URL, countriesPath).body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Definitions) != 2 || got.Preferred != "DE" || got.Definitions[0].AreaCode != "49" || got.Definitions[1].CountryCode != "CN" {
		t.Fatalf("%+v", got)
	}
	// A number without a country code belongs to the default region only.
	for i, want := range []map[string]bool{
		{"015123456789": true, "15123456789": true, "+4915123456789": true, "+49-15123456789": true, "+8612345678901": false, "abc": false},
		{"12345678901": false, "+8612345678901": true, "+86-12345678901": true, "+4912345678901": false},
	} {
		pattern := regexp.MustCompile(got.Definitions[i].MobileRegex)
		read := make(map[string]bool)
		for number := range want {
			read[number] = pattern.MatchString(number)
		}
		if d := cmp.Diff(want, read); d != "" {
			t.Errorf("%s: %s", pattern, d)
		}
	}
	if a := get(t, s.URL, datePath); !strings.Contains(a.body, `"`+strconv.FormatInt(f.Clock.Now().UnixMilli(), 10)+`"`) {
		t.Errorf("date is %s", a.body)
	}
}

// TestEveryRegex: the plan's example number of each country fits its form.
func TestEveryRegex(t *testing.T) {
	t.Parallel()
	var regions []string
	for region := range phonenumbers.GetSupportedRegions() {
		regions = append(regions, region)
	}
	f := identitytest.New(t, func(c *identity.Config) { c.Countries = regions })
	for _, region := range f.Countries() {
		c := mobile.CountryOf(region)
		example := phonenumbers.GetExampleNumberForType(c.Region, phonenumbers.MOBILE)
		if example == nil {
			continue
		}
		e164 := phonenumbers.Format(example, phonenumbers.E164)
		if pattern := httpadapter.MobileRegex(c, false); !regexp.MustCompile(pattern).MatchString(e164) {
			t.Errorf("%s: %s does not fit %s", c.Region, e164, pattern)
		}
		national := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, phonenumbers.Format(example, phonenumbers.NATIONAL))
		if pattern := httpadapter.MobileRegex(c, true); !regexp.MustCompile(pattern).MatchString(national) {
			t.Errorf("%s: %s does not fit %s", c.Region, national, pattern)
		}
	}
}
