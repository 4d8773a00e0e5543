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

// setting is one setting of a provider. Its value comes from the environment or the
// settings file, or from a file that either of them names, never from an argument.
type setting struct {
	name     string // the variable's name without the prefix
	about    string
	required bool
	secret   bool
}

// values reads the settings of one provider and collects their faults.
type values struct {
	prefix     string // the prefix of the variables, such as "REKEY_TWILIO_"
	receiptURL string // the URL to which the provider sends receipts; empty for none
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

// json reads a setting written in JSON. Its error says where the fault is, and does not
// repeat the value.
func (v *values) json(name string, into any) {
	if v.values[name] == "" {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(v.values[name])))
	decoder.DisallowUnknownFields() // otherwise a misspelt name would count as a missing value
	if err := decoder.Decode(into); err != nil {
		v.faults = append(v.faults, fmt.Errorf("%s: %w", v.prefix+name, err))
	} else if decoder.More() {
		v.faults = append(v.faults, fmt.Errorf("%s: there is text after the list", v.prefix+name))
	}
}

func (v *values) err() error {
	if len(v.missing) > 0 {
		return errors.Join(append(v.faults, settings.Usagef("missing in the environment: %s", strings.Join(v.missing, ", ")))...)
	}
	return errors.Join(v.faults...)
}
