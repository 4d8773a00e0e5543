package httpadapter

import (
	"errors"
	"fmt"
	"strings"
)

// OptionError is one fault of [Options] or of [CallerOptions].
type OptionError struct {
	// Option is the name of the field, such as "MaxBodyBytes".
	Option string
	// Problem completes a sentence that begins with the option's name, such as
	// "is 10, must be 1024 to 1048576".
	Problem string

	of, text string
}

func (e *OptionError) Error() string { return "httpadapter: " + e.of + "." + e.text }

// optionFault makes an [*OptionError] of Options or CallerOptions from a text that
// begins with the option.
func optionFault(of, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	end := strings.IndexAny(text, " :[")
	return &OptionError{Option: text[:end], Problem: strings.TrimLeft(text[end:], " :"), of: of, text: text}
}

// Validate returns nil, or an error that [errors.Join] made of one [*OptionError] for
// each fault of the options. Zero options count with their defaults. [New] calls it.
func (o Options) Validate() error {
	o.fill()
	_, err := newTranslator(o.Messages, o.DefaultLanguage)
	return errors.Join(o.check(), err)
}

// WithDefaults returns a copy of the options with the default for each zero option. [New]
// calls it.
func (o Options) WithDefaults() Options {
	o.fill()
	return o
}
