package jsonbody

import "strings"

// AcceptedType reports whether there is one Content-Type and it is application/json, with
// no parameter other than a charset of UTF-8, in any case and spacing.
func AcceptedType(values []string) bool {
	if len(values) != 1 {
		return false
	}
	// Lower-cased, not compared by EqualFold, which takes U+017F for an s.
	media, parameters, _ := strings.Cut(strings.ToLower(values[0]), ";")
	if trimSpace(media) != "application/json" {
		return false
	}
	charset := false
	for parameter := range strings.SplitSeq(parameters, ";") {
		if trimSpace(parameter) == "" {
			continue // RFC 9110, 5.6.6 lets a parameter be empty
		}
		name, value, _ := strings.Cut(parameter, "=")
		value = trimSpace(value)
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		if charset || trimSpace(name) != "charset" || value != "utf8" && value != "utf-8" {
			return false
		}
		charset = true
	}
	return true
}

// AcceptedEncoding reports whether no Content-Encoding other than identity is named.
func AcceptedEncoding(values []string) bool {
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		// RFC 9110, 5.6.1 lets an element of a list be empty.
		if coding = strings.ToLower(trimSpace(coding)); coding != "" && coding != "identity" {
			return false
		}
	}
	return true
}

func trimSpace(s string) string { return strings.Trim(s, " \t") }
