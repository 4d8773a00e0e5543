package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

const unixPrefix = "unix:"

// listen opens "HOST:PORT" or "unix:/path". It replaces a socket that a dead process
// left behind, but not one that is in use.
func listen(addr string) (net.Listener, error) {
	path, isUnix := strings.CutPrefix(addr, unixPrefix)
	if !isUnix {
		return net.Listen("tcp", addr)
	}
	l, err := net.Listen("unix", path)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, private(path, err)
	}
	if info, statErr := os.Stat(path); statErr != nil || info.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("%s exists, and is not a socket", path)
	}
	if c, dialErr := net.DialTimeout("unix", path, time.Second); dialErr == nil {
		_ = c.Close()
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	l, err = net.Listen("unix", path)
	return l, private(path, err)
}

// private lets only the owner and the group of the process connect. A proxy must be in
// that group.
func private(path string, err error) error {
	if err != nil {
		return err
	}
	return os.Chmod(path, 0o660)
}
