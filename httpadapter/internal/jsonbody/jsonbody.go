// Package jsonbody reads request bodies strictly: a body is one JSON object in UTF-8, and
// each field is found by its exact name. It does not unmarshal into a struct, because
// encoding/json would ignore the case of names, let the last duplicate win and repair
// broken strings. A filter in front of the handler that reads the body differently could
// then pass a body that means something else here.
package jsonbody

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds the nesting of values, the body itself counting as one.
const maxDepth = 32

const byteOrderMark = "\ufeff"

// Value is what a body has for a field.
type Value struct {
	Times int    // how often the field occurs
	Raw   []byte // the last value, as it is written
	Text  string // the last value, if it is a string
}

// Object returns the values of the named fields, in their order, and the names of
// all other fields. ok is false for a body that is not one JSON object in UTF-8, or
// nests too deep.
func Object(body []byte, fields ...string) (values []Value, others []string, ok bool) {
	// Some clients write a byte-order mark first, which RFC 8259, 8.1 lets us ignore.
	body = bytes.TrimPrefix(body, []byte(byteOrderMark))
	// Valid checks the grammar (RFC 8259) and refuses trailing bytes, about which the
	// decoder below would be lenient.
	if !json.Valid(body) || depth(body) > maxDepth {
		return nil, nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, nil, false
	}
	values = make([]Value, len(fields))
	foreign := !utf8.Valid(body) // bytes that are not UTF-8, unless a field has them
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, nil, false
		}
		name, _ := token.(string)
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, nil, false
		}
		known := false
		for i, field := range fields {
			if name != field {
				continue
			}
			known = true
			v := &values[i]
			v.Times++
			v.Raw = raw
			if v.IsString() {
				foreign = foreign && utf8.Valid(raw)
				if err := json.Unmarshal(raw, &v.Text); err != nil {
					return nil, nil, false
				}
			}
		}
		if !known {
			others = append(others, name)
		}
	}
	return values, others, !foreign
}

// IsString reports whether the value is a string.
func (v *Value) IsString() bool { return len(v.Raw) > 0 && v.Raw[0] == '"' }

// IsObject reports whether the value is an object.
func (v *Value) IsObject() bool { return len(v.Raw) > 0 && v.Raw[0] == '{' }

// IsNull reports whether the value is null.
func (v *Value) IsNull() bool { return len(v.Raw) > 0 && v.Raw[0] == 'n' }

// Missing reports whether the field is absent, null or a blank string.
func (v *Value) Missing() bool {
	return v.Times == 0 || v.IsNull() || v.IsString() && strings.TrimSpace(v.Text) == ""
}

// WellFormed reports whether the value is valid UTF-8 without U+0000 and lone
// surrogates and, if plain is set, without control characters.
func (v *Value) WellFormed(plain bool) bool {
	return utf8.Valid(v.Raw) && !loneSurrogate(v.Raw) && !strings.ContainsRune(v.Text, 0) &&
		(!plain || !strings.ContainsFunc(v.Text, unicode.IsControl))
}
