// Command server is Rekey as one binary, on an SQLite file, PostgreSQL, MySQL or
// MariaDB: the documented routes over HTTP, and the commands that seed and watch
// a deployment.
//
//	server client add -db rekey.db -id CLIENTID
//	server user add   -db rekey.db -mobile 12345678901 < password.txt
//	server serve      -db rekey.db -addr 127.0.0.1:8080 -sms console
//
// # Settings
//
// Each flag is also an environment variable, REKEY_ADDR for -addr; the flag wins.
// "server COMMAND -h" explains all of them. The commands that write take the
// same settings for numbers, passwords and hashing as serve: keep them in the
// environment, so that they agree.
//
// # Secrets
//
// The secret is in a file beside the SQLite database, made at the first start, or
// in REKEY_SECRET; passwords are read from standard input, credentials of carriers
// from the environment or from files. None is ever an argument, because every
// process of the machine can read those.
//
// # Network
//
// The server speaks HTTP, or HTTPS with -tls-cert and -tls-key. Codes and
// passwords pass through it: beyond the loopback interface use HTTPS, or a proxy
// that does, and name the proxy in -trusted-proxies.
//
// # Memory
//
// serve keeps Go's memory near -hash-concurrency times -hash-memory-kib, and 42
// MiB. GOMEMLIMIT in the environment sets another limit, "off" none: more memory,
// and more resets a second while hundreds wait.
//
// # Health
//
// GET /healthz answers 200 "ok" if the database answers, otherwise 503. SIGTERM
// and SIGINT stop accepting, finish the requests and deliveries under way, and
// leave every other message queued for the next start.
//
// # Exit status
//
// 0 done, 1 failed (or, for "user check", the password is wrong), 2 called the
// wrong way. Whatever went wrong is one sentence on standard error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

const program = "rekey"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

type streams struct {
	in       *os.File
	out, err io.Writer
}

// command is one thing that the program does. Its setup defines the flags and
// returns what to do once they are parsed.
type command struct {
	name    string
	summary string
	setup   func(*flags) action
}

type action func(context.Context, streams) error

func commands() []command {
	return []command{
		{"serve", "Serve the documented routes and deliver the messages, until SIGTERM or SIGINT.", serveCommand},
		{"client add", "Register an application; makes the database if there is none.", clientAdd},
		{"client disable", "Turn an application off.", clientSwitch(true)},
		{"client enable", "Turn an application on again.", clientSwitch(false)},
		{"user add", "Store a user, with the password on standard input; makes the database if there is none.", userAdd},
		{"user check", "Check a user's password on standard input: exit status 0 if right, 1 if wrong.", userCheck},
		{"user unlock", "End a row of failures that locks a number from SMS reset.", userUnlock},
		{"user disable", "Keep a user from logging in and resetting.", userSwitch(true)},
		{"user enable", "Undo user disable.", userSwitch(false)},
		{"sms test", "Send one code to a number through the carriers, and tell what happened; needs no database.", smsTest},
		{"texts", "Print how many SMS segments each text takes with these settings.", textsCommand},
		{"events", "Print the audit events as JSON lines, oldest first.", eventsCommand},
		{"migrate", "Show the steps of the database's schema, and apply those that are missing.", migrateCommand},
		{"backup", "Copy an SQLite database while it is in use.", backupCommand},
		{"messages", "Print the states of the messages, without their contents, as JSON lines, oldest first.", messagesCommand},
	}
}

// usageError is a call that no state of the world could make work.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func run(ctx context.Context, args []string, std streams) int {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) < len(words) || strings.Join(args[:len(words)], " ") != c.name {
			continue
		}
		f := newFlags()
		do := c.setup(f)
		err := f.parse(args[len(words):])
		if errors.Is(err, flag.ErrHelp) {
			f.help(std.out, c)
			return 0
		}
		if err == nil {
			err = do(ctx, std)
		}
		return report(std.err, c.name, err)
	}
	if len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[len(args)-1]) {
		help(std.out)
		return 0
	}
	_, _ = fmt.Fprintf(std.err, "%s: a command is needed: %s; %q explains them\n", program, commandNames(), program+" -h")
	return 2
}

// report prints an error as one sentence and returns the exit status.
func report(w io.Writer, name string, err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(w, "%s %s: %s\n", program, name, sentence(err))
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}

var packagePrefixes = strings.NewReplacer("identity: ", "", "httpadapter: ", "", "\n", "; ")

// sentence puts an error in one line, and names the settings as the flags do.
func sentence(err error) string {
	return flagNames(packagePrefixes.Replace(err.Error()))
}

func commandNames() string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

func help(w io.Writer) {
	_, _ = fmt.Fprintf(w, "Usage: %s COMMAND [flags]\n\nCommands:\n\n", program)
	for _, c := range commands() {
		_, _ = fmt.Fprintf(w, "  %-14s  %s\n", c.name, c.summary)
	}
	_, _ = fmt.Fprintf(w, "\n%q explains the flags of one. Each flag is also an environment variable.\n", program+" COMMAND -h")
}
