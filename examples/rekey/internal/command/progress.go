package command

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows on a terminal how much of a file has been read. Without a terminal it
// shows nothing.
type progress struct {
	errs  io.Writer
	bar   *progressbar.ProgressBar // nil: no terminal
	drawn bool
	read  atomic.Int64
}

// newProgress returns a progress at 0. The size is in bytes; below 1 it is unknown.
func newProgress(errs io.Writer, size int64) *progress {
	p := &progress{errs: errs}
	if file, ok := errs.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		if size < 1 {
			size = -1
		}
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(errs), progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetTheme(progressbar.ThemeASCII), progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionSetElapsedTime(false))
	}
	return p
}

// Write counts bytes that were read. It may be called while the progress is shown.
func (p *progress) Write(b []byte) (int, error) {
	p.read.Add(int64(len(b)))
	return len(b), nil
}

// show draws the bar.
func (p *progress) show(lines int) {
	if p.bar == nil {
		return
	}
	p.drawn = true
	p.bar.Describe(fmt.Sprintf("%d lines", lines))
	_ = p.bar.Set64(p.read.Load())
}

// line prints a line in place of the bar.
func (p *progress) line(format string, args ...any) {
	p.end()
	_, _ = fmt.Fprintf(p.errs, format+"\n", args...)
}

// end removes the bar.
func (p *progress) end() {
	if p.drawn {
		_ = p.bar.Clear()
	}
	p.drawn = false
}
