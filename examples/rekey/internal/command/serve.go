package command

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/server"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

func serve(version string) func(*settings.Set) action {
	return func(f *settings.Set) action {
		s := server.Server{Version: versionOf(version)}
		s.Flags(f)
		return func(ctx context.Context, std Streams) error { return s.Run(ctx, std.Out, std.Err) }
	}
}

// health is for containers and scripts that have no HTTP client.
func health(f *settings.Set) action {
	var s server.Server
	s.Flags(f)
	return func(ctx context.Context, std Streams) error {
		if err := s.Ask(ctx); err != nil {
			return err
		}
		return say(std, "ready")
	}
}

// config prints the settings that serve would use.
func config(f *settings.Set) action {
	var s server.Server
	s.Flags(f)
	return func(_ context.Context, std Streams) error {
		warn(std, f.Unknown())
		s.Config = s.Config.WithDefaults() // derived from other settings
		if _, err := fmt.Fprintln(std.Out, "# Lines that begin with \"#\" are defaults."); err != nil {
			return err
		}
		if err := f.Print(std.Out); err != nil {
			return err
		}
		return s.Print(std.Out)
	}
}

// check examines everything that serve needs and reports all faults.
func check(f *settings.Set) action {
	var s server.Server
	s.Flags(f)
	return func(ctx context.Context, std Streams) error {
		faults, usage := 0, false
		report := func(what, detail string, err error) {
			verdict := "ok"
			if err != nil {
				verdict, detail = "fault", settings.Sentence(err)
				usage = usage || settings.IsUsage(err)
				faults++
			}
			_, _ = fmt.Fprintln(std.Out, strings.TrimSpace(fmt.Sprintf("%-8s %-10s %s", verdict, what, detail)))
		}
		for _, step := range s.Steps(io.Discard) {
			report(step.Name, step.Detail, step.Do())
		}
		var warnings []string
		s.DB.Inspect(ctx, report, func(warning string) { warnings = append(warnings, warning) })
		warnings = append(warnings, s.Warnings()...)
		warnings = append(warnings, f.Unknown()...)
		for _, warning := range warnings {
			_, _ = fmt.Fprintf(std.Out, "warning  %s\n", warning)
		}
		switch {
		case faults == 0:
			return nil
		case usage:
			return settings.Usagef("%d of the checks above failed", faults)
		}
		return fmt.Errorf("%d of the checks above failed", faults)
	}
}
