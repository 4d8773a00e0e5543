// Package smstemplate picks a provider's approved template by kind and language,
// for providers that take a template and values instead of a text.
package smstemplate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/sms"
)

// Set holds templates of one provider. Filled once, it is safe for concurrent use.
type Set[T any] struct {
	byKey map[key]T
}

type key struct {
	kind     sms.Kind
	language string
}

// Add registers a template for a kind and a BCP 47 language; the empty language
// is the kind's default. field names it in the error.
func (s *Set[T]) Add(field string, kind sms.Kind, language string, t T) error {
	k := key{kind, fold(language)}
	if _, dup := s.byKey[k]; dup {
		return fmt.Errorf("%s: a second one for this Kind and Language", field)
	}
	if s.byKey == nil {
		s.byKey = map[key]T{}
	}
	s.byKey[k] = t
	if kind == "" {
		return fmt.Errorf("%s: Kind is required", field)
	}
	return nil
}

// Check reports a fault unless there is a template for codes and every kind that
// has one has a default: people's languages are more than anyone has approved.
func (s *Set[T]) Check() error {
	var faults []error
	if _, ok := s.byKey[key{sms.KindVerifyCode, ""}]; !ok {
		faults = append(faults, fmt.Errorf("no entry of Templates for %q without Language", sms.KindVerifyCode))
	}
	var reported []sms.Kind
	for k := range s.byKey {
		if _, ok := s.byKey[key{k.kind, ""}]; !ok && k.kind != sms.KindVerifyCode && !slices.Contains(reported, k.kind) {
			reported = append(reported, k.kind)
			faults = append(faults, fmt.Errorf("no entry of Templates for %q without Language", k.kind))
		}
	}
	return errors.Join(faults...)
}

// Pick returns the template for a kind whose language comes closest: the language
// itself, then without its last subtag and so on (lookup as in RFC 4647 section
// 3.4), then the kind's default. It reports false when the kind has none.
func (s *Set[T]) Pick(kind sms.Kind, language string) (T, bool) {
	for language = fold(language); ; {
		if t, ok := s.byKey[key{kind, language}]; ok || language == "" {
			return t, ok
		}
		i := strings.LastIndexByte(language, '-')
		language = language[:max(i, 0)]
		if i >= 2 && language[i-2] == '-' { // a lone letter only introduces what was cut
			language = language[:i-2]
		}
	}
}

func fold(language string) string {
	return strings.ToLower(strings.ReplaceAll(language, "_", "-"))
}

// CheckParams reports names that messages of a kind do not have, of the kinds
// known here.
func CheckParams(field string, kind sms.Kind, names []string) error {
	var known []string
	switch kind {
	case sms.KindVerifyCode:
		known = []string{"code", "minutes"}
	case sms.KindPasswordChanged:
		known = []string{"time"}
	default:
		return nil
	}
	var faults []error
	for _, name := range names {
		if !slices.Contains(known, name) {
			faults = append(faults, fmt.Errorf("%s: messages of kind %q have no value %q", field, kind, name))
		}
	}
	if kind == sms.KindVerifyCode && !slices.Contains(names, "code") {
		faults = append(faults, fmt.Errorf(`%s: Params lack "code"`, field))
	}
	return errors.Join(faults...)
}

// Values returns the named values of m, in order. A missing one is an error that
// shows only its name.
func Values(m sms.Message, names []string) ([]string, error) {
	values := make([]string, len(names))
	for i, name := range names {
		v, ok := m.Params[name]
		if !ok {
			return nil, fmt.Errorf("message has no value %q for the template", name)
		}
		values[i] = v
	}
	return values, nil
}
