package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
)

// maxPassword is in bytes: room for the longest password that any policy allows.
const maxPassword = 4096

// readPassword reads one line and removes only its end. On a terminal the line is not
// shown while it is typed, and a new password is asked for twice.
func readPassword(ctx context.Context, std Streams, isNew bool) (identity.Secret, error) {
	read := func() (string, error) { return readLine(std.In) }
	if term.IsTerminal(int(std.In.Fd())) {
		read = func() (string, error) {
			first, err := typed(ctx, std, "Password: ")
			if err != nil || !isNew {
				return first, err
			}
			second, err := typed(ctx, std, "Repeat the password: ")
			if err == nil && first != second {
				err = errors.New("the two passwords differ")
			}
			return first, err
		}
	}
	line, err := read()
	if err != nil {
		return identity.Secret{}, fmt.Errorf("the password on standard input cannot be read: %w", err)
	}
	password := strings.TrimSuffix(line, "\r")
	switch {
	case password == "":
		return identity.Secret{}, settings.Usagef("there is no password on standard input")
	case len(password) > maxPassword:
		return identity.Secret{}, settings.Usagef("the password on standard input is longer than %d bytes", maxPassword)
	case !utf8.ValidString(password) || strings.ContainsRune(password, utf8.RuneError):
		return identity.Secret{}, settings.Usagef("the password on standard input is not UTF-8, and no UTF-16 with a byte-order mark")
	case strings.ContainsRune(password, 0):
		return identity.Secret{}, settings.Usagef("the password on standard input holds a NUL, as UTF-16 does: write it in UTF-8")
	}
	return identity.NewSecret(password), nil
}

// readLine reads up to the end of a line. PowerShell and editors on Windows begin
// a text with a byte-order mark, and may write UTF-16: the mark is left out, and
// UTF-16 after a mark is decoded.
func readLine(in io.Reader) (string, error) {
	text := transform.NewReader(oneByte{in}, unicode.BOMOverride(encoding.Nop.NewDecoder()))
	var line []byte
	one := make([]byte, 1)
	for len(line) <= maxPassword {
		n, err := text.Read(one)
		if n == 1 && one[0] == '\n' {
			break
		}
		line = append(line, one[:n]...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return string(line), nil
}

// oneByte reads one byte at a time: the input after the line belongs to another
// program.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }

// typed asks for a password on the terminal. It restores the terminal's state, even
// when it is interrupted.
func typed(ctx context.Context, std Streams, prompt string) (string, error) {
	terminal := int(std.In.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	_, _ = fmt.Fprint(std.Err, prompt)
	type result struct {
		password []byte
		err      error
	}
	done := make(chan result, 1)
	go func() {
		password, err := term.ReadPassword(terminal)
		done <- result{password, err}
	}()
	select {
	case r := <-done:
		_, _ = fmt.Fprintln(std.Err)
		return string(r.password), r.err
	case <-ctx.Done():
		_, _ = fmt.Fprintln(std.Err)
		return "", errors.Join(errors.New("interrupted"), term.Restore(terminal, before))
	}
}
