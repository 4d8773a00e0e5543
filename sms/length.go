package sms

import (
	"strings"
	"unicode/utf16"
)

// Encoding is how a phone network carries a text (3GPP TS 23.038).
type Encoding string

// The encodings.
const (
	GSM7 Encoding = "GSM-7" // the default alphabet and its extension table, section 6.2.1
	UCS2 Encoding = "UCS-2" // anything else, section 6.2.3
)

// Length is how many SMS segments a text needs. Providers charge by the segment.
type Length struct {
	Encoding Encoding
	// Units are septets in GSM-7 and UTF-16 code units in UCS-2. A character of the
	// extension table takes two septets.
	Units int
	// Segments is how many messages carry the text. A single message holds 160 septets
	// or 70 code units; each of several holds 153 or 67 (3GPP TS 23.040, section
	// 9.2.3.24.1).
	Segments int
}

const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtra = "\f^{}\\[~]|€"
)

// Measure returns how many segments a text needs. The empty text needs one. A
// provider that transliterates or uses national shift tables may need fewer.
func Measure(text string) Length {
	var widths []int // of the characters, which are not split over segments
	l := Length{Encoding: GSM7}
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			widths = append(widths, 1)
		case strings.ContainsRune(gsmExtra, r):
			widths = append(widths, 2)
		default:
			l.Encoding = UCS2
		}
	}
	single, each := 160, 153
	if l.Encoding == UCS2 {
		single, each = 70, 67
		widths = widths[:0]
		for _, r := range text {
			widths = append(widths, utf16.RuneLen(r))
		}
	}
	used := 0
	l.Segments = 1
	for _, w := range widths {
		l.Units += w
		if used+w > each {
			l.Segments, used = l.Segments+1, 0
		}
		used += w
	}
	if l.Units <= single {
		l.Segments = 1
	}
	return l
}
