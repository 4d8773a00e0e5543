package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"
)

// flags are the flags of one command, each also an environment variable.
type flags struct {
	*flag.FlagSet
	after         string // what help says after the flags
	inEnvironment bool   // the values being set come from there
}

func newFlags() *flags {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors are returned, help has its own form
	return &flags{FlagSet: set}
}

func variable(name string) string {
	return "REKEY_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// parse reads the arguments, then the environment for whatever they leave out.
// An empty variable counts as none.
func (f *flags) parse(args []string) error {
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return usageError{err}
	}
	if f.NArg() > 0 {
		// Not repeated: it may be a password that belongs on standard input.
		return usagef("takes flags only, and there is an argument that is none")
	}
	given := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	var errs []error
	f.inEnvironment = true
	f.VisitAll(func(fl *flag.Flag) {
		value := os.Getenv(variable(fl.Name))
		if given[fl.Name] || value == "" {
			return
		}
		if err := f.Set(fl.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("invalid value %q for %s: %w", value, variable(fl.Name), err))
		}
	})
	if len(errs) > 0 {
		return usageError{errors.Join(errs...)}
	}
	return nil
}

// unknownVariables are the names in the environment that look like ours and mean
// nothing to any command: a limit spelt wrong is a limit that is not set.
func unknownVariables() (names []string) {
	known := map[string]bool{secretVariable: true, webhookSecretVariable: true}
	for _, c := range commands() {
		f := newFlags()
		c.setup(f)
		f.VisitAll(func(fl *flag.Flag) { known[variable(fl.Name)] = true })
	}
	for _, p := range providers() {
		for _, s := range p.settings {
			known[p.prefix()+s.name], known[p.prefix()+s.name+fileSuffix] = true, true
		}
	}
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, variable("")) && !known[name] {
			names = append(names, name)
		}
	}
	return names
}

func (f *flags) help(w io.Writer, c command) {
	_, _ = fmt.Fprintf(w, "Usage: %s %s [flags]\n\n%s\n\nFlags, each also an environment variable (the flag wins):\n", program, c.name, c.summary)
	f.VisitAll(func(fl *flag.Flag) {
		value, text := flag.UnquoteUsage(fl)
		_, _ = fmt.Fprintf(w, "\n  %-40s %s\n", strings.TrimSpace("-"+fl.Name+" "+value), variable(fl.Name))
		if fl.DefValue != "" && fl.DefValue != "false" && fl.DefValue != "0" {
			text += "; default " + fl.DefValue
		}
		_, _ = fmt.Fprintf(w, "      %s\n", text)
	})
	if f.after != "" {
		_, _ = fmt.Fprintf(w, "\n%s", f.after)
	}
}

var configField = regexp.MustCompile(`(?:Config|Options)\.([A-Za-z]+(?:\.[A-Za-z]+)?)`)

// flagNames replaces the names of identity.Config's and httpadapter.Options'
// fields by those of the flags: the same in kebab-case, without "Limits".
func flagNames(s string) string {
	return configField.ReplaceAllStringFunc(s, func(field string) string {
		_, field, _ = strings.Cut(field, ".")
		field = strings.TrimPrefix(field, "Limits.")
		return "-" + kebab(strings.ReplaceAll(strings.ReplaceAll(field, ".", ""), "KiB", "Kib"))
	})
}

func kebab(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) {
			afterLower := unicode.IsLower(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				b.WriteByte('-')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
