package smstemplate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smstemplate"
)

func TestFor(t *testing.T) {
	t.Parallel()
	var s smstemplate.Set[string]
	for lang, id := range map[string]string{"": "default", "en": "en", "zh-Hant": "hant", "zh": "zh", "de-AT": "at", "fr-x-a": "private"} {
		if err := s.Add("f", sms.KindVerifyCode, lang, []string{"code"}, id); err != nil {
			t.Fatal(err)
		}
	}
	params := map[string]string{"code": "123456"}
	for lang, want := range map[string]string{
		"": "default", "en": "en", "EN": "en", "en-GB": "en", "en_GB": "en", "zh-Hant-TW": "hant", "zh-TW": "zh",
		"zh-Hans-CN": "zh", "de": "default", "de-AT": "at", "eng": "default", "-": "default", "en-a-bbb": "en", "fr-x-a": "private",
		"xx-yyyy": "default",
	} {
		if got, err := s.For(sms.Message{Kind: sms.KindVerifyCode, Language: lang, Params: params}); err != nil || got != want {
			t.Errorf("language %q got %q, %v; want %q", lang, got, err, want)
		}
	}
	for name, m := range map[string]sms.Message{
		"a kind without templates": {Kind: sms.KindPasswordChanged, Params: params},
		"a missing value":          {Kind: sms.KindVerifyCode, Params: map[string]string{"minutes": "123456"}},
	} {
		if got, err := s.For(m); err == nil || strings.Contains(err.Error(), "123456") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var s smstemplate.Set[int]
	code := []string{"code"}
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "verify_code") {
		t.Errorf("empty set: %v", err)
	}
	_ = s.Add("a", sms.KindVerifyCode, "", code, 1)
	if err := s.Check(); err != nil {
		t.Errorf("codes alone: %v", err)
	}
	if err := s.Add("Templates[1]", sms.KindVerifyCode, "", code, 2); err == nil || !strings.Contains(err.Error(), "Templates[1]") {
		t.Errorf("duplicate: %v", err)
	}
	if err := s.Add("a", "", "", code, 1); err == nil {
		t.Error("a template without kind passed")
	}
	_ = s.Add("a", sms.KindPasswordChanged, "en", nil, 1)
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "password_changed") {
		t.Errorf("kind without default: %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind  sms.Kind
		names []string
		ok    bool
	}{
		{sms.KindVerifyCode, []string{"code"}, true},
		{sms.KindVerifyCode, []string{"minutes", "code"}, true},
		{sms.KindVerifyCode, []string{"minutes"}, false},
		{sms.KindVerifyCode, []string{"code", "cod"}, false},
		{sms.KindPasswordChanged, nil, true},
		{sms.KindPasswordChanged, []string{"code"}, false},
		{"later", []string{"anything"}, true},
	} {
		var s smstemplate.Set[int]
		if err := s.Add("f", tt.kind, "", tt.names, 1); (err == nil) != tt.ok {
			t.Errorf("%s %v: %v", tt.kind, tt.names, err)
		}
	}
	m := sms.Message{Params: map[string]string{"code": "123456", "minutes": "5"}}
	if d := cmp.Diff([]string{"5", "123456"}, smstemplate.Values(m, []string{"minutes", "code"})); d != "" {
		t.Error(d)
	}
}
