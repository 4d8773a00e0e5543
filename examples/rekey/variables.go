package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

// setting is something that a carrier needs to know. It comes from the
// environment, or from a file that the environment names, never from an argument.
type setting struct {
	name     string // of the variable, without prefix
	about    string
	required bool
	secret   bool
}

// settings reads the settings of one carrier, and gathers what is wrong.
type settings struct {
	prefix     string // of the variables, "REKEY_TWILIO_"
	receiptURL string // where the carrier is to send its receipts; empty for none
	values     map[string]string
	missing    []string
	faults     []error
}

const fileSuffix = "_FILE"

func readSettings(prefix string, known []setting) *settings {
	s := &settings{prefix: prefix, values: map[string]string{}}
	for _, k := range known {
		name := prefix + k.name
		value, err := readVariable(name, k.secret)
		if err != nil {
			s.faults = append(s.faults, err)
		} else if value == "" && k.required {
			s.missing = append(s.missing, name)
		}
		s.values[k.name] = value
	}
	return s
}

// readVariable reads a variable, or the file that the variable of the same name
// and "_FILE" names. A secret's file must be private.
func readVariable(name string, secret bool) (string, error) {
	value, path := os.Getenv(name), os.Getenv(name+fileSuffix)
	switch {
	case value != "" && path != "":
		return "", usagef("both %s and %s are set, give one of them", name, name+fileSuffix)
	case path == "":
		return strings.TrimSpace(value), nil
	}
	read := readSmall
	if secret {
		read = readPrivate
	}
	text, err := read(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name+fileSuffix, err)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", fmt.Errorf("%s: the file is empty", name+fileSuffix)
	}
	return text, nil
}

// maxSettingFile bounds a file of templates, in bytes.
const maxSettingFile = 1 << 20

func readSmall(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSettingFile {
		return "", fmt.Errorf("%s is not a file of at most 1 MiB", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

func (s *settings) text(name string) string { return s.values[name] }

func (s *settings) secret(name string) identity.Secret { return identity.NewSecret(s.values[name]) }

// json reads a setting written in JSON. The error says where, and repeats nothing.
func (s *settings) json(name string, into any) {
	if s.values[name] == "" {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(s.values[name])))
	decoder.DisallowUnknownFields() // a name spelt wrong would be a value that is missing
	if err := decoder.Decode(into); err != nil {
		s.faults = append(s.faults, fmt.Errorf("%s: %w", s.prefix+name, err))
	} else if decoder.More() {
		s.faults = append(s.faults, fmt.Errorf("%s: there is more after the list", s.prefix+name))
	}
}

func (s *settings) err() error {
	if len(s.missing) > 0 {
		return errors.Join(append(s.faults, usagef("missing in the environment: %s", strings.Join(s.missing, ", ")))...)
	}
	return errors.Join(s.faults...)
}
