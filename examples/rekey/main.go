// Command rekey is Rekey as one binary, on an SQLite file, PostgreSQL, MySQL or
// MariaDB: the documented routes over HTTP, and the commands that seed and watch
// a deployment.
//
//	rekey client add -db rekey.db -id CLIENTID
//	rekey user add   -db rekey.db -mobile 12345678901 < password.txt
//	rekey serve      -db rekey.db -addr 127.0.0.1:8080 -sms console
//
// "rekey help" lists the commands, "rekey COMMAND -h" explains the flags of one.
// README.md beside this file tells about settings, secrets, the network, health
// and exit status.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/command"
)

// version is set by "go build -ldflags '-X main.version=v1.2.3'".
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process immediately
	os.Exit(command.Run(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, version))
}
