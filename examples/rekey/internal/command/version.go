package command

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

// versionOf returns the stamped version, or else the version that the Go tool recorded.
func versionOf(stamped string) string {
	info, ok := debug.ReadBuildInfo()
	if stamped != "" || !ok {
		return stamped
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && version == "(devel)" {
			version = "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return version
}

func versionCommand(stamped string) func(*settings.Set) action {
	return func(*settings.Set) action {
		return func(_ context.Context, std Streams) error {
			return say(std, "%s %s %s %s/%s", program, versionOf(stamped), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		}
	}
}
