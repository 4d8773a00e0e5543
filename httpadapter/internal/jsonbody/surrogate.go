package jsonbody

// depth returns how deep valid JSON nests.
func depth(body []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// loneSurrogate reports whether a valid JSON string escapes half of a surrogate pair,
// which is not a character. encoding/json turns each into U+FFFD, so that different
// bodies would be the same password.
func loneSurrogate(raw []byte) bool {
	const escape = len(`\uXXXX`)
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] != 'u' {
			i++
			continue
		}
		switch unit := hex4(raw[i+2:]); {
		case unit >= 0xD800 && unit < 0xDC00:
			rest := raw[i+escape:]
			if len(rest) < escape || rest[0] != '\\' || rest[1] != 'u' || hex4(rest[2:])>>10 != 0xDC00>>10 {
				return true
			}
			i += 2*escape - 1
		case unit >= 0xDC00 && unit < 0xE000:
			return true
		default:
			i += escape - 1
		}
	}
	return false
}

// hex4 reads the four digits of an escape that is known to be valid.
func hex4(b []byte) (unit uint32) {
	for _, c := range b[:4] {
		switch {
		case c <= '9':
			unit = unit<<4 | uint32(c-'0')
		default:
			unit = unit<<4 | uint32(c|0x20-'a'+10)
		}
	}
	return unit
}
