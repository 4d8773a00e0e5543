// Package secretfile decides by one rule which files may hold a secret, and reads
// them: the service's secret, the providers' credentials, a TLS key, and the
// database itself, which holds the digests of codes.
//
// The rule: a file is refused if another user could have written it, which is the case
// if its group or others can write it, or if its owner is neither the user of this
// process nor root. A process of root, which an administrator may run on the files of a
// service, accepts any owner with a warning. A file that all users of the machine can
// read is accepted with a warning, or without one if other users cannot enter its folder.
// Kubernetes and Docker Swarm mount secrets with mode 0444.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

// MaxSize is the largest accepted file, in bytes.
const MaxSize = 1 << 20

// Check applies the rule to a file that exists. The warning is empty for a file
// that only its owner and group can read.
func Check(path string) (warning string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return check(path, info)
}

func check(path string, info fs.FileInfo) (warning string, err error) {
	if !info.Mode().IsRegular() { // opening a pipe would wait for a writer
		return "", fmt.Errorf("%s is not a file", path)
	}
	if runtime.GOOS == "windows" { // which has no such bits
		return "", nil
	}
	mode := info.Mode().Perm()
	if mode&0o022 != 0 {
		return "", fmt.Errorf("%s has mode %04o, so other users may have changed it: give it mode 0600, and new content if others had access", path, mode)
	}
	if uid, known := owner(info); known && uid != 0 && uid != os.Geteuid() {
		problem := fmt.Sprintf("%s belongs to user %d, who may have changed it", path, uid)
		if os.Geteuid() == 0 {
			return problem + ": run this program as that user, or give the file to root", nil
		}
		return "", fmt.Errorf("%s: it must belong to root or to user %d, who runs this program", problem, os.Geteuid())
	}
	if mode&0o004 != 0 && othersEnter(path) {
		return fmt.Sprintf("%s has mode %04o, so all users of this machine can read it: give it mode 0600, or its folder mode 0700", path, mode), nil
	}
	return "", nil
}

// othersEnter reports whether the folder of a file, after symbolic links, lets
// other users in.
func othersEnter(path string) bool {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	info, err := os.Stat(filepath.Dir(path))
	return err != nil || info.Mode().Perm()&0o001 != 0
}

// Read returns the text of a file that holds a secret, see [Clean], and a warning
// if others can read it. A file that is empty is refused.
func Read(path string) (text, warning string, err error) {
	if warning, err = Check(path); err != nil {
		return "", "", err
	}
	if text, err = readText(path); err != nil {
		return "", "", err
	}
	return text, warning, nil
}

// ReadPublic is Read for a file that holds no secret.
func ReadPublic(path string) (text string, err error) {
	if text, err = ReadRaw(path); err != nil {
		return "", err
	}
	return notEmpty(path, text)
}

func readText(path string) (string, error) {
	text, err := readAll(path)
	if err != nil {
		return "", err
	}
	return notEmpty(path, text)
}

func notEmpty(path, text string) (string, error) {
	if text = Clean(text); text == "" {
		return "", fmt.Errorf("%s: %w", path, ErrEmpty)
	}
	return text, nil
}

// ReadRaw is ReadPublic, but does not clean the text and accepts an empty file.
func ReadRaw(path string) (text string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", path)
	}
	return readAll(path)
}

func readAll(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	b, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return "", err
	}
	if len(b) > MaxSize {
		return "", fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return string(b), nil
}

// ErrEmpty says that a file contains only white space.
var ErrEmpty = errors.New("the file is empty")

// Clean removes what editors, shells and container tools leave around a value:
// white space, line ends, control characters and byte-order marks. Every value
// from the environment or from a file is cleaned, so that it is the same in both.
func Clean(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\ufeff' || r == '\u200b'
	})
}
