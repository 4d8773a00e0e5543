package telemetry_test

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// encoder writes attributes as key=value with commas between them.
type encoder struct{}

func (encoder) Encode(i attribute.Iterator) string {
	var all []string
	for i.Next() {
		kv := i.Attribute()
		all = append(all, string(kv.Key)+"="+kv.Value.String())
	}
	return strings.Join(all, ",")
}

func (encoder) ID() attribute.EncoderID { return attribute.NewEncoderID() }
