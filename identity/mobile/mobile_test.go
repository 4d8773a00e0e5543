package mobile_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/seed-16109ab2/rekey/identity/mobile"
)

// Every spelling reads as its number, and the usual spelling comes first.
func TestSpellings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		e164, region, first string
		also                []string
	}{
		{"+8613800138000", "CN", "13800138000", []string{"138 0013 8000", "138-0013-8000", "+8613800138000", "8613800138000", "008613800138000", "+86 138 0013 8000", "+86-13800138000"}},
		{"+8612345678901", "CN", "12345678901", []string{"+8612345678901"}},
		{"+447400123456", "GB", "07400123456", []string{"07400 123456", "7400123456", "+447400123456", "+44 7400 123456"}},
		{"+12015550123", "US", "2015550123", []string{"(201) 555-0123", "201-555-0123", "201.555.0123", "+1 201-555-0123"}},
		{"+4915112345678", "CN", "+4915112345678", nil},
		{"+390612345678", "IT", "0612345678", nil}, // the zero is part of the number
		{"no number", "CN", "no number", nil},
	} {
		got := mobile.Spellings(test.e164, test.region)
		if len(got) == 0 || got[0] != test.first {
			t.Errorf("%s in %s: first of %q, want %s", test.e164, test.region, got, test.first)
		}
		for _, want := range test.also {
			if !slices.Contains(got, want) {
				t.Errorf("%s in %s: %q lacks %q", test.e164, test.region, got, want)
			}
		}
		if test.e164[0] != '+' {
			continue
		}
		for i, s := range got {
			if e164, err := mobile.Read(s, test.region); err != nil || e164 != test.e164 {
				t.Errorf("%q in %s reads as %q, %v", s, test.region, e164, err)
			}
			if slices.Contains(got[:i], s) {
				t.Errorf("%q twice", s)
			}
		}
	}
}

// Without a default region, a number without country code is invalid.
func TestReadWantsARegion(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"13800138000", "", "n/a", "138001380001380013800", "1380013800x"} {
		if e164, err := mobile.Read(text, ""); !errors.Is(err, mobile.ErrInvalid) || e164 != "" {
			t.Errorf("%q reads as %q, %v", text, e164, err)
		}
	}
}

func TestMaskKeepsTooLittleToCall(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"+8612345678901": "+86*******8901", "+1234567": "+1***567", "+123": "****", "": ""} {
		if got := mobile.Mask(in); got != want {
			t.Errorf("mask of %q = %q, want %q", in, got, want)
		}
	}
}

func ExampleSpellings() {
	fmt.Println(mobile.Spellings("+8613800138000", "CN")[:3])
	// Output: [13800138000 138 0013 8000 138-0013-8000]
}
