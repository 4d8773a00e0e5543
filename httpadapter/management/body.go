package management

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/seed-16109ab2/rekey/httpadapter/internal/jsonbody"
	"github.com/seed-16109ab2/rekey/identity"
)

// Longest strings in bytes.
const (
	longText     = 256
	longDevice   = 4096 // tokens of anti-fraud services are long
	longPassword = 8192 // 1,024 code points, as JSON text
	longHash     = 1024
)

// body reads the fields of a request's body and collects the faults it finds.
type body struct {
	names  []string
	values []jsonbody.Value
	faults []detail
}

// newBody takes the names of all allowed fields and refuses any other field: if a
// misspelt field were ignored, the call would change something other than what was
// meant.
func newBody(text []byte, names ...string) (*body, error) {
	values, others, ok := jsonbody.Object(text, names...)
	if !ok {
		return nil, invalid(detail{Pointer: "#", Detail: "must be one JSON object in UTF-8"})
	}
	b := &body{names: names, values: values}
	for _, name := range others {
		b.fault(name, "is not a field of this call")
		if len(b.faults) == 16 {
			break
		}
	}
	for i := range values {
		if values[i].Times > 1 {
			b.fault(names[i], "occurs more than once")
		}
	}
	return b, nil
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func (b *body) fault(name, text string) {
	if len(name) > longText {
		name = strings.ToValidUTF8(name[:longText], "")
	}
	b.faults = append(b.faults, detail{Pointer: "#/" + pointerEscapes.Replace(name), Detail: text})
}

// err returns all faults of the fields that were read, or nil.
func (b *body) err() error {
	if len(b.faults) > 0 {
		return invalid(b.faults...)
	}
	return nil
}

func (b *body) value(name string) *jsonbody.Value {
	for i := range b.names {
		if b.names[i] == name {
			return &b.values[i]
		}
	}
	panic("management: field " + name + " was not announced")
}

// has reports whether a field is there and not null.
func (b *body) has(name string) bool {
	v := b.value(name)
	return v.Times > 0 && !v.IsNull()
}

func (b *body) text(name string, longest int, plain bool) string {
	v := b.value(name)
	switch {
	case !b.has(name):
	case !v.IsString():
		b.fault(name, "must be a string")
	case !v.WellFormed(plain):
		b.fault(name, "contains characters that are not allowed")
	case len(v.Text) > longest:
		b.fault(name, "is too long")
	default:
		return v.Text
	}
	return ""
}

// optional returns a string without control characters, or "" if the field is missing.
func (b *body) optional(name string) string { return b.text(name, longText, true) }

// required returns a string without control characters that is not blank.
func (b *body) required(name string) string {
	text := b.text(name, longText, true)
	b.wanted(name)
	return text
}

func (b *body) wanted(name string) {
	if v := b.value(name); v.Missing() {
		b.fault(name, "is missing")
	}
}

func (b *body) secret(name string, longest int) identity.Secret {
	return identity.NewSecret(b.text(name, longest, false))
}

// flag returns nil if the field is missing.
func (b *body) flag(name string) *bool {
	if !b.has(name) {
		return nil
	}
	switch string(b.value(name).Raw) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	b.fault(name, "must be true or false")
	return nil
}

// list returns a list of strings without control characters.
func (b *body) list(name string) []string {
	if !b.has(name) {
		return nil
	}
	v := b.value(name)
	var elements []json.RawMessage
	if json.Unmarshal(v.Raw, &elements) != nil {
		b.fault(name, "must be a list of strings")
		return nil
	}
	texts := make([]string, 0, len(elements))
	for _, raw := range elements {
		e := jsonbody.Value{Times: 1, Raw: raw}
		if !e.IsString() || json.Unmarshal(raw, &e.Text) != nil || !e.WellFormed(true) || len(e.Text) > longText {
			b.fault(name, "must be a list of strings without control characters")
			return nil
		}
		texts = append(texts, e.Text)
	}
	return texts
}

// address returns the person's IP address. It is mandatory: all people without an
// address would share one set of limits, and one of them could lock out the others.
func (b *body) address(name string) netip.Addr {
	text := b.required(name)
	if text == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		b.fault(name, "must be an IP address, without port and zone")
		return netip.Addr{}
	}
	return a.Unmap()
}
