package binary

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory returns the process's resident memory and its peak, in MiB (Linux).
func (p *Process) Memory() (now, peak int, err error) {
	f, err := os.Open(p.proc("status"))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.Atoi(fields[1]) // not all values are numbers
		switch fields[0] {
		case "VmRSS:":
			now = kib >> 10
		case "VmHWM:":
			peak = kib >> 10
		}
	}
	return now, peak, lines.Err()
}

// ForgetPeak sets the peak to the present memory.
func (p *Process) ForgetPeak() error {
	return os.WriteFile(p.proc("clear_refs"), []byte("5"), 0o600) // proc(5)
}

func (p *Process) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file)
}
