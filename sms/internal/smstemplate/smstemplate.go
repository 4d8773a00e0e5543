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

// Set holds the templates of one provider. After the last Add it is safe for
// concurrent use.
type Set[T any] struct {
	byKey map[key]entry[T]
}

type key struct {
	kind     sms.Kind
	language string
}

type entry[T any] struct {
	template T
	names    []string
}

// Add registers a template for a kind and a BCP 47 language; the empty language is
// the kind's default. names are the values of the message that the template needs.
// field names the template in the error.
func (s *Set[T]) Add(field string, kind sms.Kind, language string, names []string, t T) error {
	k := key{kind, fold(language)}
	if _, dup := s.byKey[k]; dup {
		return fmt.Errorf("%s: a second template for this Kind and Language", field)
	}
	if s.byKey == nil {
		s.byKey = map[key]entry[T]{}
	}
	s.byKey[k] = entry[T]{t, names}
	if kind == "" {
		return fmt.Errorf("%s: Kind is required", field)
	}
	return checkNames(field, kind, names)
}

// checkNames reports names that messages of a known kind do not have.
func checkNames(field string, kind sms.Kind, names []string) error {
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

// Check reports a fault unless there is a template for codes, and each kind that
// has a template has a default. People have more languages than there are approved
// templates.
func (s *Set[T]) Check() error {
	kinds := []sms.Kind{sms.KindVerifyCode}
	for k := range s.byKey {
		if !slices.Contains(kinds, k.kind) {
			kinds = append(kinds, k.kind)
		}
	}
	var faults []error
	for _, kind := range kinds {
		if _, ok := s.byKey[key{kind, ""}]; !ok {
			faults = append(faults, fmt.Errorf("no entry of Templates for %q without Language", kind))
		}
	}
	return errors.Join(faults...)
}

// For returns the template for a message. It picks the language of the message,
// then the language without its last subtag and so on (lookup as in RFC 4647
// section 3.4), then the kind's default. A missing template or value is an error,
// which shows no value.
func (s *Set[T]) For(m sms.Message) (t T, err error) {
	e, ok := s.pick(m.Kind, m.Language)
	if !ok {
		return t, errors.New("no template for messages of this kind")
	}
	for _, name := range e.names {
		if _, ok := m.Params[name]; !ok {
			return t, fmt.Errorf("message has no value %q for the template", name)
		}
	}
	return e.template, nil
}

func (s *Set[T]) pick(kind sms.Kind, language string) (entry[T], bool) {
	for language = fold(language); ; {
		if e, ok := s.byKey[key{kind, language}]; ok || language == "" {
			return e, ok
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

// Values returns the named values of a message in order.
func Values(m sms.Message, names []string) []string {
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = m.Params[name]
	}
	return values
}
