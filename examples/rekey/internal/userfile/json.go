package userfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

var errNoObject = problemf(`it is not one JSON object such as {"mobile": "…", "password_hash": "…"}`)

// readJSON reads token by token: encoding/json would accept a name in other letter
// case, and the last of two fields with one name.
func (r *Reader) readJSON(u *User, line string) error {
	tokens := json.NewDecoder(strings.NewReader(line))
	tokens.UseNumber()
	if start, err := tokens.Token(); err != nil || start != json.Delim('{') {
		return errNoObject
	}
	seen := map[string]bool{}
	for tokens.More() {
		name, err := tokens.Token()
		if err != nil {
			return errNoObject
		}
		c, known := columnOf(fmt.Sprint(name))
		switch {
		case !known:
			return problemf("there is no field %.40q; the fields are %s", name, columnNames())
		case seen[c.name]:
			return problemf("%s is there twice", c.name)
		}
		seen[c.name] = true
		value, err := tokens.Token()
		if err != nil {
			return errNoObject
		}
		switch v := value.(type) {
		case nil:
		case string, bool, json.Number:
			if err := r.set(u, c, fmt.Sprint(v)); err != nil {
				return err
			}
		default:
			return problemf("%s is neither text nor true or false", c.name)
		}
	}
	if _, err := tokens.Token(); err != nil {
		return errNoObject
	}
	if _, err := tokens.Token(); !errors.Is(err, io.EOF) {
		return errNoObject
	}
	return nil
}
