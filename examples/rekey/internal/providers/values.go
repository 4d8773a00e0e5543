package providers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
)

// setting is something that a provider needs to know. It comes from the
// environment or the settings file, or from a file that one of them names, never
// from an argument.
type setting struct {
	name     string // of the variable, without prefix
	about    string
	required bool
	secret   bool
}

// values are the settings of one provider, and what is wrong with them.
type values struct {
	prefix     string // of the variables, "REKEY_TWILIO_"
	receiptURL string // where the provider is to send its receipts; empty for none
	timeout    time.Duration
	out        io.Writer
	values     map[string]string
	missing    []string
	faults     []error
}

// read takes given values for granted, by name.
func read(source *settings.Source, prefix string, known []setting, given map[string]string) *values {
	v := &values{prefix: prefix, values: map[string]string{}}
	for _, k := range known {
		name := prefix + k.name
		value, err := given[k.name], error(nil)
		if value == "" && k.secret {
			value, err = source.Secret(name)
		} else if value == "" {
			value, err = source.Text(name)
		}
		if err != nil {
			v.faults = append(v.faults, err)
		} else if value == "" && k.required {
			v.missing = append(v.missing, name)
		}
		v.values[k.name] = value
	}
	return v
}

func (v *values) text(name string) string { return v.values[name] }

func (v *values) secret(name string) identity.Secret { return identity.NewSecret(v.values[name]) }

func (v *values) on(name string) bool {
	switch strings.ToLower(v.values[name]) {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	}
	v.faults = append(v.faults, fmt.Errorf("%s: neither true nor false", v.prefix+name))
	return false
}

// json reads a setting written in JSON. The error says where, and repeats nothing.
func (v *values) json(name string, into any) {
	if v.values[name] == "" {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(v.values[name])))
	decoder.DisallowUnknownFields() // a name spelt wrong would be a value that is missing
	if err := decoder.Decode(into); err != nil {
		v.faults = append(v.faults, fmt.Errorf("%s: %w", v.prefix+name, err))
	} else if decoder.More() {
		v.faults = append(v.faults, fmt.Errorf("%s: there is more after the list", v.prefix+name))
	}
}

func (v *values) err() error {
	if len(v.missing) > 0 {
		return errors.Join(append(v.faults, settings.Usagef("missing in the environment: %s", strings.Join(v.missing, ", ")))...)
	}
	return errors.Join(v.faults...)
}
