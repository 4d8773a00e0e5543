// Package settings reads the settings of a command from flags, the environment and a
// settings file, in this order of precedence. Each flag -some-name is also the variable
// REKEY_SOME_NAME and the line "some-name = value" of the file.
package settings

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/secretfile"
)

// Place is the source of a value.
type Place string

// The places, from the highest precedence to the lowest.
const (
	Argument    Place = "flag"
	Environment Place = "environment"
	File        Place = "file"
	Default     Place = "default"
)

const (
	prefix = "REKEY_"
	// FileSuffix at the end of a variable's name says that the variable names a file that
	// holds the value.
	FileSuffix = "_FILE"
)

// Variable returns the environment variable of a flag.
func Variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Name returns the name of a variable in the settings file.
func Name(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, prefix), "_", "-"))
}

// Source is the environment and the settings file. Every value is cleaned, see
// [secretfile.Clean]. An empty value counts as none.
type Source struct {
	file     map[string]string // by variable
	Warnings []string          // sentences for the log
}

// Lookup returns the value of a variable.
func (s *Source) Lookup(variable string) (value string, from Place) {
	if value := secretfile.Clean(os.Getenv(variable)); value != "" {
		return value, Environment
	}
	if value := s.file[variable]; value != "" {
		return value, File
	}
	return "", Default
}

// Text returns the value of a variable, or the content of the file that the
// variable of the same name and "_FILE" names; empty if neither is set.
func (s *Source) Text(variable string) (string, error) {
	value, path, err := s.either(variable)
	if err != nil || path == "" {
		return value, err
	}
	text, err := secretfile.ReadPublic(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", variable+FileSuffix, err)
	}
	return text, nil
}

// Secret is [Source.Text] for a secret: the rule of package secretfile holds for
// the file, and the settings file may not hold the value itself.
func (s *Source) Secret(variable string) (string, error) {
	value, path, err := s.either(variable)
	if err != nil || path == "" {
		return value, err
	}
	text, err := s.ReadSecret(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", variable+FileSuffix, err)
	}
	return text, nil
}

// ReadSecret reads a file that holds a secret.
func (s *Source) ReadSecret(path string) (string, error) {
	text, warning, err := secretfile.Read(path)
	s.Warn(warning)
	return text, err
}

// Warn keeps a sentence for the log. Empty and repeated sentences are dropped.
func (s *Source) Warn(sentence string) {
	for _, w := range s.Warnings {
		if w == sentence {
			return
		}
	}
	if sentence != "" {
		s.Warnings = append(s.Warnings, sentence)
	}
}

func (s *Source) either(variable string) (value, path string, err error) {
	value, _ = s.Lookup(variable)
	path, _ = s.Lookup(variable + FileSuffix)
	if value != "" && path != "" {
		return "", "", Usagef("both %s and %s are set, give one of them", variable, variable+FileSuffix)
	}
	return value, path, nil
}

// readFile reads a settings file: lines "name = value", empty lines, and comments that
// begin with "#". Known lists the variables that the file may set. If the value is
// true, the variable holds a secret, and the file may not set it.
func (s *Source) readFile(path string, known map[string]bool) error {
	text, err := secretfile.ReadRaw(path)
	if err != nil {
		return fmt.Errorf("-config: %w", err)
	}
	s.file = map[string]string{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = secretfile.Clean(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		name, value = secretfile.Clean(name), secretfile.Clean(value)
		if !found || name == "" {
			return Usagef("%s, line %d: write \"name = value\"", path, number)
		}
		variable := Variable(name)
		secret, ok := known[variable]
		switch {
		case !ok || name != Name(variable):
			fault := noSetting // the name is not repeated: it may be part of a secret
			if meant := nearest(variable, known); meant != "" {
				fault += "; did you mean " + Name(meant) + "?"
			}
			return Usagef("%s, line %d: %s", path, number, fault)
		case secret:
			return Usagef("%s, line %d: %s is a secret: write it to a file of its own, and name that file in %s", path, number, name, name+strings.ToLower(strings.ReplaceAll(FileSuffix, "_", "-")))
		case s.file[variable] != "":
			return Usagef("%s, line %d: %s is set twice", path, number, name)
		}
		s.file[variable] = value
	}
	return nil
}

// PrintSecret writes the source of a secret, as lines of a settings file: the file that
// holds it, or that the variable is set.
func (s *Source) PrintSecret(w io.Writer, variable string) error {
	if value, _ := s.Lookup(variable); value != "" {
		if _, err := fmt.Fprintf(w, "%s = (redacted)\n", Name(variable)); err != nil {
			return err
		}
	}
	if path, _ := s.Lookup(variable + FileSuffix); path != "" {
		if _, err := fmt.Fprintf(w, "%s = %s\n", Name(variable+FileSuffix), path); err != nil {
			return err
		}
	}
	return nil
}
