package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Set holds the flags of one command.
type Set struct {
	Source
	// After is the text that help prints after the flags.
	After string
	// Known returns all variables that any command reads. The value is true for a variable
	// that holds a secret. The settings file may set these variables.
	Known map[string]bool

	flags    *flag.FlagSet
	from     map[string]Place
	shown    map[string]func() string
	argument *argument
}

// argument is the argument of a command, besides its flags.
type argument struct {
	field       *string
	name, usage string
}

// New returns a set without flags but -config.
func New() *Set {
	f := &Set{flags: flag.NewFlagSet("", flag.ContinueOnError), from: map[string]Place{}, shown: map[string]func() string{}}
	f.flags.SetOutput(io.Discard) // errors are returned; help has a format of its own
	var path string
	f.Text(&path, "config", "`FILE` of settings, lines such as \"code-digits = 8\" with the flags' names; flags and the environment take precedence; default none")
	return f
}

// Argument defines the one argument of the command, before or after the flags. It is
// required. Usage describes it.
func (f *Set) Argument(field *string, name, usage string) { f.argument = &argument{field, name, usage} }

// parseArguments reads the flags and the argument, in any order.
func (f *Set) parseArguments(args []string) error {
	given := false
	for {
		if err := f.flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return err
		} else if err != nil {
			return UsageError{err}
		}
		args = f.flags.Args()
		switch {
		case len(args) == 0 && f.argument != nil && !given:
			return Usagef("%s is missing: %s", f.argument.name, f.argument.usage)
		case len(args) == 0:
			return nil
		// The error does not repeat it: it may be a password that belongs on standard input.
		case f.argument == nil:
			return Usagef("takes only flags, but there is an argument that is not a flag")
		case given:
			return Usagef("takes one %s, but there is another argument", f.argument.name)
		}
		*f.argument.field, args, given = args[0], args[1:], true
	}
}

// Parse reads the arguments. Flags that they leave out are read from the environment,
// then from the settings file.
func (f *Set) Parse(args []string) error {
	if err := f.parseArguments(args); err != nil {
		return err
	}
	f.flags.Visit(func(fl *flag.Flag) { f.from[fl.Name] = Argument })
	if err := f.readConfig(); err != nil {
		return err
	}
	var errs []error
	f.flags.VisitAll(func(fl *flag.Flag) {
		value, from := f.Lookup(Variable(fl.Name))
		if f.from[fl.Name] == Argument || from == Default {
			return
		}
		f.from[fl.Name] = from
		if err := f.flags.Set(fl.Name, value); err != nil {
			name := Variable(fl.Name)
			if from == File {
				name = fl.Name + " in the settings file"
			}
			errs = append(errs, fmt.Errorf("invalid value %q for %s: %w", value, name, err))
		}
	})
	if len(errs) > 0 {
		return UsageError{errors.Join(errs...)}
	}
	return nil
}

func (f *Set) readConfig() error {
	path := f.ConfigPath()
	if path == "" {
		return nil
	}
	return f.readFile(path, f.Known)
}

// ConfigPath returns the path of the settings file, or "".
func (f *Set) ConfigPath() string {
	if path := f.flags.Lookup("config").Value.String(); f.from["config"] == Argument {
		return path
	}
	path, _ := f.Lookup(Variable("config"))
	return path
}

// From returns the source of a flag's value.
func (f *Set) From(name string) Place {
	if from, ok := f.from[name]; ok {
		return from
	}
	return Default
}

// Has reports whether there is a flag with this name.
func (f *Set) Has(name string) bool { return f.flags.Lookup(name) != nil }

// Variables returns the variables of all flags.
func (f *Set) Variables() (names []string) {
	f.flags.VisitAll(func(fl *flag.Flag) { names = append(names, Variable(fl.Name)) })
	return names
}

// Default returns the default of a flag as help prints it.
func (f *Set) Default(name string) string { return f.flags.Lookup(name).DefValue }

// Show makes [Set.Print] print a replacement for the value of a flag, which may hold a
// secret.
func (f *Set) Show(name string, value func() string) { f.shown[name] = value }

// Print writes the settings in force as a settings file, with the source of each.
func (f *Set) Print(w io.Writer) error {
	var err error
	f.flags.VisitAll(func(fl *flag.Flag) {
		if err != nil || fl.Name == "config" {
			return
		}
		value, from := fl.Value.String(), f.From(fl.Name)
		if show := f.shown[fl.Name]; show != nil {
			value = show()
		}
		if from == Default {
			_, err = fmt.Fprintf(w, "# %s = %s\n", fl.Name, value)
		} else {
			_, err = fmt.Fprintf(w, "%s = %s\n", fl.Name, value)
		}
	})
	return err
}

// Help explains the flags of a command.
func (f *Set) Help(w io.Writer, usage, summary string) {
	takes, explained := "", ""
	if a := f.argument; a != nil {
		takes, explained = " "+a.name, "\n\n"+a.name+" is "+a.usage+"."
	}
	_, _ = fmt.Fprintf(w, "Usage: %s [flags]%s\n\n%s%s\n\nFlags, each also an environment variable (the flag wins):\n", usage, takes, summary, explained)
	f.flags.VisitAll(func(fl *flag.Flag) {
		value, text := flag.UnquoteUsage(fl)
		_, _ = fmt.Fprintf(w, "\n  %-40s %s\n", strings.TrimSpace("-"+fl.Name+" "+value), Variable(fl.Name))
		if fl.DefValue != "" && fl.DefValue != "false" && fl.DefValue != "0" {
			text += "; default " + fl.DefValue
		}
		_, _ = fmt.Fprintf(w, "      %s\n", text)
	})
	if f.After != "" {
		_, _ = fmt.Fprintf(w, "\n%s", f.After)
	}
}

// value is a [flag.Value] made of two functions.
type value struct {
	set    func(string) error
	string func() string
	flag   bool // for a flag of the form -name, without a value
}

func (v value) Set(s string) error {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("holds a control character, such as a line end")
	}
	return v.set(s)
}

func (v value) IsBoolFlag() bool { return v.flag }

func (v value) String() string {
	if v.string == nil { // package flag also calls it on the zero value
		return ""
	}
	return v.string()
}
