// Package userfile reads a file of users, one on each line: CSV with the column names
// on the first line, or JSON lines. It holds one line in memory at a time. Its messages
// about a line do not repeat the line, which contains a number and a hash.
package userfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxLine is in bytes.
const maxLine = 64 << 10

// LineError says why a line is not a user. The lines after it can still be read.
type LineError struct{ Problem string }

func (e *LineError) Error() string { return e.Problem }

func problemf(format string, args ...any) error { return &LineError{fmt.Sprintf(format, args...)} }

// Reader reads users. It is not safe for concurrent use.
type Reader struct {
	in     *bufio.Reader
	line   int
	header []column // the columns; nil: JSON lines
	fields *bufio.Reader
	now    time.Time
}

// NewReader returns a reader, and reads the CSV header. Now is the time that "verified:
// true" stands for. Errors: a first line that is not a header, and failures of in.
func NewReader(in io.Reader, now time.Time) (*Reader, error) {
	// Programs on Windows write a byte-order mark, and may write UTF-16 after it.
	text := transform.NewReader(in, unicode.BOMOverride(encoding.Nop.NewDecoder()))
	r := &Reader{in: bufio.NewReaderSize(text, maxLine), fields: bufio.NewReader(nil), now: now}
	first, err := r.first()
	switch {
	case err != nil:
		return nil, err
	case first == '{':
		return r, nil
	case first == '[':
		return nil, errors.New(`it is one JSON array: write each user as an object on a line of its own, as "jq -c .[]" does`)
	}
	if r.header, err = r.readHeader(); err != nil {
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	}
	return r, nil
}

// Says reports whether the lines may have the column.
func (r *Reader) Says(name string) bool { return r.header == nil || has(r.header, name) }

// Line returns the number of the last line that was read, counted from 1.
func (r *Reader) Line() int { return r.line }

// first returns the first byte that is not white space, without reading past it.
func (r *Reader) first() (byte, error) {
	for {
		b, err := r.in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return 0, errors.New("it is empty")
		case err != nil:
			return 0, err
		case b == '\n':
			r.line++
		case b != ' ' && b != '\t' && b != '\r':
			return b, r.in.UnreadByte()
		}
	}
}

// next returns the next line that is not blank, without its line end.
func (r *Reader) next() (string, error) {
	for {
		part, more, err := r.in.ReadLine()
		if err != nil {
			return "", err
		}
		r.line++
		if more {
			for more && err == nil {
				_, more, err = r.in.ReadLine()
			}
			return "", problemf("it is longer than %d bytes", maxLine)
		}
		switch line := string(part); {
		case strings.TrimSpace(line) == "":
		case !utf8.ValidString(line):
			return "", problemf("it is not UTF-8")
		default:
			return line, nil
		}
	}
}

// Read returns the next user. Errors: [io.EOF] at the end, a [*LineError] for a line
// that is not a user, and failures of the file.
func (r *Reader) Read() (u User, err error) {
	line, err := r.next()
	if err != nil {
		return u, err
	}
	if r.header == nil {
		err = r.readJSON(&u, line)
	} else {
		err = r.readCSV(&u, line)
	}
	switch {
	case err != nil:
	case u.Mobile == "":
		err = problemf("mobile is missing")
	case u.PasswordHash == "":
		err = problemf("password_hash is missing")
	}
	return u, err
}

// set sets a column's value. An empty value sets nothing.
func (r *Reader) set(u *User, c column, value string) error {
	if value = strings.TrimSpace(value); value == "" {
		return nil
	}
	if err := c.set(u, value, r.now); err != nil {
		return problemf("%s %s", c.name, err)
	}
	return nil
}
