package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo terminal. Bytes written to master count as typed.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("to run it, mount devpts, so that /dev/ptmx opens: ", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// awaitSilence waits until the terminal no longer echoes typed input.
func awaitSilence(t *testing.T, terminal *os.File) {
	t.Helper()
	for until := time.Now().Add(patience); echoes(t, terminal); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the terminal shows the typed input")
		}
	}
}

// A password is not shown while it is typed, and the terminal's state is restored.
func TestPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		again              string
		interrupted, fails bool
	}{
		"typed":       {again: oldPassword},
		"mistyped":    {again: newPassword, fails: true},
		"interrupted": {interrupted: true, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			master, slave := terminal(t)
			cmd := command(t.Context(), dir, nil, "user", "add", "-mobile", mobile)
			var out, errs lockedBuffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			awaitSilence(t, slave)
			if test.interrupted {
				_ = cmd.Process.Signal(os.Interrupt)
			} else {
				if _, err := master.WriteString(oldPassword + "\n" + test.again + "\n"); err != nil {
					t.Fatal(err)
				}
			}
			err := cmd.Wait()
			if (err != nil) != test.fails || !strings.HasPrefix(errs.String(), "Password: ") {
				t.Errorf("%v, %q", err, errs.String())
			}
			if !echoes(t, slave) {
				t.Error("the terminal's echo was not restored")
			}
			if test.fails {
				if files := names(t, dir); len(files) > 0 {
					t.Errorf("left %q behind", files)
				}
				return
			}
			if screen := shown(t, master, slave); strings.Contains(screen, oldPassword) {
				t.Errorf("the terminal shows %q", screen)
			}
			mustRun(t, dir, oldPassword, "user", "check", "-mobile", mobile)
		})
	}
}

func TestSetPasswordOnTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed(t, dir)
	master, slave := terminal(t)
	cmd := command(t.Context(), dir, nil, "user", "set-password", "-mobile", mobile)
	var errs lockedBuffer
	cmd.Stdin, cmd.Stderr = slave, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitSilence(t, slave)
	if _, err := master.WriteString(newPassword + "\n" + newPassword + "\n"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || errs.String() != "Password: \nRepeat the password: \n" || !echoes(t, slave) {
		t.Errorf("%v, %q, the terminal echoes: %v", err, errs.String(), echoes(t, slave))
	}
	mustRun(t, dir, newPassword, "user", "check", "-mobile", mobile)
}

// On a terminal, a user is erased only after a yes.
func TestEraseAsks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := addUser(t, dir, mobile)
	for _, test := range []struct {
		name, answer string
		erased       bool
	}{
		{"no", "no\n", false},
		{"nothing", "\n", false},
		{"end of file", "\x04", false},
		{"interrupted", "", false},
		{"yes", "yes\n", true},
	} {
		master, slave := terminal(t)
		cmd := command(t.Context(), dir, nil, "user", "erase", "-mobile", mobile)
		var errs lockedBuffer
		cmd.Stdin, cmd.Stderr = slave, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		question := "Erase user " + id + " (+86*******8901) for good? Type yes: "
		for until := time.Now().Add(patience); errs.String() != question; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%s: the question is %q", test.name, errs.String())
			}
		}
		if test.answer == "" {
			_ = cmd.Process.Signal(os.Interrupt)
		} else if _, err := master.WriteString(test.answer); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); (err == nil) != test.erased || !test.erased && !strings.Contains(errs.String(), "rekey user erase: nothing was changed: ") {
			t.Errorf("%s: %v, %q", test.name, err, errs.String())
		}
		if out := mustRun(t, dir, "", "user", "list"); (out == "") != test.erased {
			t.Errorf("%s: users are %q", test.name, out)
		}
	}
}

// shown returns all that the terminal shows before a mark, which it writes there.
func shown(t *testing.T, master, slave *os.File) string {
	t.Helper()
	if _, err := slave.WriteString("END"); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for part := make([]byte, 1024); !bytes.Contains(all, []byte("END")); {
		n, err := master.Read(part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part[:n]...)
	}
	return string(all)
}

// On a terminal a bar shows the progress of the import. At the end the bar is removed.
func TestImportShowsProgress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		bar  string
	}{
		"file":           {[]string{"users"}, "1000 lines "},
		"standard input": {[]string{"-"}, "1000 lines "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lines := strings.Join(append(manyUsers(1500), "12,"+djangoHash), "\n")
			writeFile(t, filepath.Join(dir, "users"), lines, 0o600)
			master, slave := terminal(t)
			var out lockedBuffer
			cmd := command(t.Context(), dir, nil, append([]string{"user", "import", "-verified"}, test.args...)...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(lines), &out, slave
			_ = cmd.Run()
			screen := shown(t, master, slave)
			if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(out.String(), "1500 added") || !strings.Contains(screen, test.bar) {
				t.Errorf("exit status %d, %q, the terminal shows %q", cmd.ProcessState.ExitCode(), out.String(), screen)
			}
			// Each line of text overwrites the bar.
			if !regexp.MustCompile(`\r *\r(\x1b\[2K)?line 1502: refused: not a possible`).MatchString(screen) {
				t.Errorf("the bar is not removed: %q", screen)
			}
		})
	}
}
