// Package command holds the commands of the program.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/providers"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/server"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

const program = "rekey"

// Streams are the standard streams of the process.
type Streams struct {
	In       *os.File
	Out, Err io.Writer
}

// command is one command of the program. Its setup defines the flags and returns the
// function to run once they are parsed.
type command struct {
	name    string
	summary string
	setup   func(*settings.Set) action
}

type action func(context.Context, Streams) error

func commands(version string) []command {
	return []command{
		{"serve", "Serve the documented routes and deliver the messages, until SIGTERM or SIGINT.", serve(version)},
		{"check", "Check the settings of serve, the database, its secret and the providers; changes nothing, sends nothing, and fails if there is a fault.", check},
		{"health", "Ask the server that runs with these settings on this machine whether it is ready: exit status 0 if so.", health},
		{"config", "Print the settings of serve that are in force, as a settings file, without secrets.", config},
		{"client add", "Register an application; makes the database if there is none.", clientAdd},
		{"client list", "Print the applications, as JSON lines or as a table.", clientList},
		{"client show", "Print one application.", clientShow},
		{"client disable", "Turn an application off.", clientSwitch(true)},
		{"client enable", "Turn an application on again.", clientSwitch(false)},
		{"client remove", "Remove an application; it can be added again.", clientRemove},
		{"user add", "Store a user, with the password on standard input; makes the database if there is none.", userAdd},
		{"user import", "Store many users with their passwords' hashes, from CSV or JSON lines; may be interrupted and repeated; makes the database if there is none.", userImport},
		{"user list", "Print the users of a tenant, as JSON lines or as a table, without their passwords' hashes.", userList},
		{"user show", "Print one user, without the password's hash.", userShow},
		{"user check", "Check a user's password on standard input: exit status 0 if right, 1 if wrong.", userCheck},
		{"user set-mobile", "Change a user's number; codes that were sent to the old number no longer work.", userSetMobile},
		{"user set-password", "Set a user's password, read from standard input; the user is told by SMS.", userSetPassword},
		{"user unlock", "Unlock a number after too many failed attempts.", userUnlock},
		{"user disable", "Keep a user from logging in and resetting.", userSwitch(true)},
		{"user enable", "Undo user disable.", userSwitch(false)},
		{"user erase", "Erase a user; the audit trail keeps the id, but no number, address or device.", userErase},
		{"sms test", "Send one code to a number through the providers, and report the result; needs no database.", smsTest},
		{"texts", "Print how many SMS segments each text takes with these settings.", textsCommand},
		{"token new", "Print a new token of the management API, once, and add its digest to the file of tokens.", tokenNew},
		{"events", "Print the audit events as JSON lines, oldest first.", eventsCommand},
		{"messages", "Print the states of the messages, without their contents, as JSON lines, oldest first.", messagesCommand},
		{"migrate", "Show the steps of the database's schema, and apply those that are missing.", migrateCommand},
		{"backup", "Copy an SQLite database while it is in use.", backupCommand},
		{"version", "Print the version.", versionCommand(version)},
	}
}

// known returns the variables that any command reads. The value is true for a variable
// that holds a secret.
func known() map[string]bool {
	all := providers.Variables()
	maps.Copy(all, server.Variables())
	all[database.SecretVariable] = true
	for _, c := range commands("") {
		f := settings.New()
		c.setup(f)
		for _, name := range f.Variables() {
			all[name] = false
		}
	}
	return all
}

// Run runs the command that the arguments name, and returns the exit status.
func Run(ctx context.Context, args []string, std Streams, version string) int {
	if len(args) > 1 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "-h")
	}
	for _, c := range commands(version) {
		words := strings.Fields(c.name)
		if len(args) < len(words) || strings.Join(args[:len(words)], " ") != c.name {
			continue
		}
		f := settings.New()
		f.Known = known()
		do := c.setup(f)
		err := f.Parse(args[len(words):])
		if errors.Is(err, flag.ErrHelp) {
			f.Help(std.Out, program+" "+c.name, c.summary)
			return 0
		}
		if err == nil {
			err = do(ctx, std)
		}
		return report(std.Err, c.name, err)
	}
	if len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[len(args)-1]) {
		help(std.Out)
		return 0
	}
	_, _ = fmt.Fprintf(std.Err, "%s: a command is needed: %s; %q explains them\n", program, commandNames(), program+" help")
	return 2
}

// report prints an error as one sentence and returns the exit status.
func report(w io.Writer, name string, err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(w, "%s %s: %s\n", program, name, settings.Sentence(err))
	if settings.IsUsage(err) {
		return 2
	}
	return 1
}

func commandNames() string {
	var names []string
	for _, c := range commands("") {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

func help(w io.Writer) {
	_, _ = fmt.Fprintf(w, "Usage: %s COMMAND [flags]\n\nCommands:\n\n", program)
	for _, c := range commands("") {
		_, _ = fmt.Fprintf(w, "  %-17s  %s\n", c.name, c.summary)
	}
	_, _ = fmt.Fprintf(w, "\n%q explains the flags of one. Each flag is also an environment variable, and a line of the file that -config names.\n", program+" COMMAND -h")
}

func say(std Streams, format string, args ...any) error {
	_, err := fmt.Fprintf(std.Out, format+"\n", args...)
	return err
}

// warn prints warnings beside what a command prints.
func warn(std Streams, warnings []string) {
	for _, warning := range warnings {
		_, _ = fmt.Fprintf(std.Err, "%s: warning: %s\n", program, warning)
	}
}
