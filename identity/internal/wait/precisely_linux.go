package wait

import (
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// The kernel's timers (timerfd_create(2)) are precise, and wake a goroutine as a
// connection with data does. Each precise wait holds one descriptor, for 2 ms at most.
const (
	clockMonotonic = 1
	nonBlocking    = syscall.O_NONBLOCK
	closeOnExec    = syscall.O_CLOEXEC
)

// timers keeps timers that are not in use. A timer that it drops is closed when the
// garbage collector finds it.
var timers sync.Pool

// timer is a kernel timer.
type timer struct {
	file *os.File
	fd   uintptr
}

func newTimer() *timer {
	if t, ok := timers.Get().(*timer); ok {
		return t
	}
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, nonBlocking|closeOnExec, 0)
	if errno != 0 {
		return nil
	}
	return &timer{os.NewFile(fd, "timerfd"), fd}
}

// precisely waits until the deadline. If the kernel has no timer to give, such as when
// the process may open no more files, it waits as [time.Sleep] does.
func precisely(deadline time.Time) {
	t := newTimer()
	if t == nil {
		time.Sleep(time.Until(deadline))
		return
	}
	d := time.Until(deadline)
	if d <= 0 {
		timers.Put(t)
		return
	}
	// struct itimerspec: the interval, then the first expiration.
	spec := [2]syscall.Timespec{1: syscall.NsecToTimespec(int64(d))}
	_, _, errno := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, t.fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if errno != 0 {
		time.Sleep(time.Until(deadline))
		return
	}
	var expirations [8]byte
	if _, err := t.file.Read(expirations[:]); err != nil {
		time.Sleep(time.Until(deadline))
		return
	}
	timers.Put(t)
}
