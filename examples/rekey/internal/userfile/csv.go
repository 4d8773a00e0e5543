package userfile

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

func has(header []column, name string) bool {
	return slices.ContainsFunc(header, func(c column) bool { return c.name == name })
}

func (r *Reader) readHeader() (header []column, err error) {
	line, err := r.next()
	if err != nil {
		return nil, err
	}
	names, err := r.split(line)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		c, known := columnOf(strings.TrimSpace(name))
		switch {
		case !known && strings.ContainsAny(name, "0123456789$"): // a number or a hash, which must not be repeated
			return nil, fmt.Errorf("it does not name the columns, which are %s", columnNames())
		case !known:
			return nil, fmt.Errorf("there is no column %.40q; the first line names the columns, which are %s", name, columnNames())
		case has(header, c.name):
			return nil, fmt.Errorf("column %s is there twice", c.name)
		}
		header = append(header, c)
	}
	for _, required := range []string{"mobile", "password_hash"} {
		if !has(header, required) {
			return nil, fmt.Errorf("there is no column %s", required)
		}
	}
	return header, nil
}

// split splits one line of CSV into fields. The file is split into lines first:
// otherwise a missing quotation mark would make one field of the rest of the file.
func (r *Reader) split(line string) ([]string, error) {
	r.fields.Reset(strings.NewReader(line))
	one := csv.NewReader(r.fields) // csv would allocate such a buffer for each line
	one.FieldsPerRecord = -1
	fields, err := one.Read()
	if err != nil {
		return nil, problemf("a quotation mark is missing or out of place")
	}
	return fields, nil
}

func (r *Reader) readCSV(u *User, line string) error {
	fields, err := r.split(line)
	if err != nil {
		return err
	}
	if len(fields) != len(r.header) {
		return problemf("it has %d columns, and the first line has %d", len(fields), len(r.header))
	}
	for i, c := range r.header {
		if err := r.set(u, c, fields[i]); err != nil {
			return err
		}
	}
	return nil
}
