package smstemplate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/internal/smstemplate"
)

func TestPick(t *testing.T) {
	t.Parallel()
	var s smstemplate.Set[string]
	for lang, id := range map[string]string{"": "default", "en": "en", "zh-Hant": "hant", "zh": "zh", "de-AT": "at", "fr-x-a": "private"} {
		if err := s.Add("f", sms.KindVerifyCode, lang, id); err != nil {
			t.Fatal(err)
		}
	}
	for lang, want := range map[string]string{
		"": "default", "en": "en", "EN": "en", "en-GB": "en", "en_GB": "en", "zh-Hant-TW": "hant", "zh-TW": "zh",
		"zh-Hans-CN": "zh", "de": "default", "de-AT": "at", "eng": "default", "-": "default", "en-a-bbb": "en", "fr-x-a": "private",
		"xx-yyyy": "default",
	} {
		if got, ok := s.Pick(sms.KindVerifyCode, lang); !ok || got != want {
			t.Errorf("Pick(%q) = %q, %v; want %q", lang, got, ok, want)
		}
	}
	if got, ok := s.Pick(sms.KindPasswordChanged, "en"); ok {
		t.Errorf("a kind without templates got %q", got)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var s smstemplate.Set[int]
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "verify_code") {
		t.Errorf("empty set: %v", err)
	}
	_ = s.Add("a", sms.KindVerifyCode, "", 1)
	if err := s.Check(); err != nil {
		t.Errorf("codes alone: %v", err)
	}
	if err := s.Add("Templates[1]", sms.KindVerifyCode, "", 2); err == nil || !strings.Contains(err.Error(), "Templates[1]") {
		t.Errorf("duplicate: %v", err)
	}
	if err := s.Add("a", "", "", 1); err == nil {
		t.Error("a template without kind passed")
	}
	_ = s.Add("a", sms.KindPasswordChanged, "en", 1)
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "password_changed") {
		t.Errorf("kind without default: %v", err)
	}
}

func TestParams(t *testing.T) {
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
		if err := smstemplate.CheckParams("f", tt.kind, tt.names); (err == nil) != tt.ok {
			t.Errorf("%s %v: %v", tt.kind, tt.names, err)
		}
	}
	m := sms.Message{Params: map[string]string{"code": "123456", "minutes": "5"}}
	got, err := smstemplate.Values(m, []string{"minutes", "code"})
	if d := cmp.Diff([]string{"5", "123456"}, got); err != nil || d != "" {
		t.Error(err, d)
	}
	if _, err := smstemplate.Values(m, []string{"time"}); err == nil || strings.Contains(err.Error(), "123456") {
		t.Errorf("missing value: %v", err)
	}
}
