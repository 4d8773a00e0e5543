package httpadapter_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/seed-16109ab2/rekey/httpadapter"
)

// A program whose settings have other names can translate the option's name.
func TestValidateNamesEachOption(t *testing.T) {
	t.Parallel()
	err := httpadapter.Options{
		Prefix: "x", MaxBodyBytes: 1, AddressHeader: "X-Forwarded-For", DefaultLanguage: "tlh",
		Messages: httpadapter.Messages{"not a language": nil},
	}.Validate()
	var got []string
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range joined.Unwrap() {
				walk(err)
			}
			return
		}
		fault, ok := errors.AsType[*httpadapter.OptionError](err)
		if !ok || fault.Problem == "" {
			t.Fatalf("%v names no option", err)
		}
		got = append(got, fault.Option)
	}
	walk(err)
	if want := []string{"Prefix", "MaxBodyBytes", "TrustedProxies", "Messages", "DefaultLanguage"}; !slices.Equal(got, want) {
		t.Errorf("faults of %q, want %q", got, want)
	}
	if err := (httpadapter.Options{}).Validate(); err != nil {
		t.Errorf("the zero Options: %v", err)
	}
}
