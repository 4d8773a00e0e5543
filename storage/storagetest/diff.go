package storagetest

import (
	"bytes"
	"fmt"
	"reflect"
	"time"
)

// diff describes the first difference, or returns nothing.
func diff(got, want any) string {
	return diffValue("", reflect.ValueOf(got), reflect.ValueOf(want))
}

func diffValue(path string, got, want reflect.Value) string {
	if got.Type() != want.Type() {
		return fmt.Sprintf("%s is a %s, want a %s", path, got.Type(), want.Type())
	}
	if w, ok := want.Interface().(time.Time); ok {
		return diffTime(path, got.Interface().(time.Time), w)
	}
	if w, ok := want.Interface().([]byte); ok {
		if g := got.Interface().([]byte); !bytes.Equal(g, w) {
			return fmt.Sprintf("%s got bytes %x, want %x", path, g, w)
		}
		return ""
	}
	switch want.Kind() {
	case reflect.Struct:
		for i := range want.NumField() {
			if d := diffValue(path+"."+want.Type().Field(i).Name, got.Field(i), want.Field(i)); d != "" {
				return d
			}
		}
	case reflect.Slice:
		if got.Len() != want.Len() {
			return fmt.Sprintf("%s got %d elements, want %d", path, got.Len(), want.Len())
		}
		for i := range want.Len() {
			if d := diffValue(fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i)); d != "" {
				return d
			}
		}
	default:
		if got.Interface() != want.Interface() {
			return fmt.Sprintf("%s got %#v, want %#v", path, got, want)
		}
	}
	return ""
}

func diffTime(path string, got, want time.Time) string {
	if !got.Equal(want) {
		return fmt.Sprintf("%s got %s, want %s", path, got.Format(time.RFC3339Nano), want.Format(time.RFC3339Nano))
	}
	if got.Location() != time.UTC {
		return fmt.Sprintf("%s got a time in %s, want UTC", path, got.Location())
	}
	return ""
}
