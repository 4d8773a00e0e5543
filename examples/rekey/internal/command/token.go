package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/secretfile"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/server"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/httpadapter/management"
)

func tokenNew(f *settings.Set) action {
	var file, name string
	var scopes []management.Scope
	server.TokensFlag(f, &file)
	f.Text(&name, "name", "`NAME` of the backend or operator, for the log; several tokens may have one name, as while one replaces another; required")
	settings.List(f, &scopes, "scopes", parseScope, "`SCOPES`, comma-separated: "+scopeNames()+"; required")
	return func(_ context.Context, std Streams) error {
		switch {
		case file == "":
			return settings.Usagef("-management-tokens is missing")
		case name == "":
			return settings.Usagef("-name is missing")
		case len(scopes) == 0:
			return settings.Usagef("-scopes is missing, give one or more of %s", scopeNames())
		}
		secret, token, err := management.NewToken(name, scopes...)
		if err != nil {
			return settings.Usagef("%s", strings.TrimPrefix(err.Error(), "management: "))
		}
		if err := appendToken(file, token); err != nil {
			return err
		}
		if err := say(std, "%s", secret.Reveal()); err != nil {
			return fmt.Errorf("the token could not be printed, so remove the last line of %s: %w", file, err)
		}
		_, _ = fmt.Fprintf(std.Err, "%s: token of %s added to %s; it is not shown again\n", program, name, file)
		return nil
	}
}

func parseScope(s string) (management.Scope, error) {
	for _, scope := range management.Scopes() {
		if s == string(scope) {
			return scope, nil
		}
	}
	return "", errors.New("not one of " + scopeNames())
}

func scopeNames() string {
	var names []string
	for _, s := range management.Scopes() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// appendToken adds the token's line to the end of the file in one write. So the file
// keeps its owner and mode, two commands at the same time lose no line, and a server
// that reads meanwhile finds the whole line or none of it.
func appendToken(file string, token management.Token) error {
	_, err := os.Stat(file)
	if err == nil {
		if _, err := secretfile.Check(file); err != nil {
			return fmt.Errorf("-management-tokens: %w", err)
		}
		if _, err := management.TokenFile(file); err != nil {
			return fmt.Errorf("-management-tokens: %s", strings.TrimPrefix(err.Error(), "management: "))
		}
	}
	out, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	line := token.Line() + "\n"
	if info, err := out.Stat(); err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := out.ReadAt(last, info.Size()-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = "\n" + line
		}
	}
	if _, err := out.WriteString(line); err != nil {
		return err
	}
	return errors.Join(out.Sync(), out.Close())
}
