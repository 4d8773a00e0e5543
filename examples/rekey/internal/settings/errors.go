package settings

import (
	"errors"
	"fmt"
)

// UsageError says that the command line itself is wrong, so that the call can never
// work: exit status 2.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Usagef makes a [UsageError].
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// IsUsage reports whether an error is or wraps a [UsageError].
func IsUsage(err error) bool {
	_, ok := errors.AsType[UsageError](err)
	return ok
}
