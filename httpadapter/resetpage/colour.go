package resetpage

import (
	"fmt"
	"math"
)

// rgb is a colour in sRGB, 0 to 1.
type rgb [3]float64

func parseColour(hex string) (c rgb) {
	var r, g, b uint8
	_, _ = fmt.Sscanf(hex, "#%02x%02x%02x", &r, &g, &b) // the form was checked before
	return rgb{float64(r) / 255, float64(g) / 255, float64(b) / 255}
}

func (c rgb) String() string {
	b := func(v float64) uint8 { return uint8(math.Round(v * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", b(c[0]), b(c[1]), b(c[2]))
}

// luminance is WCAG 2.2's relative luminance.
func (c rgb) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func contrast(a, b rgb) float64 {
	high, low := max(a.luminance(), b.luminance()), min(a.luminance(), b.luminance())
	return (high + 0.05) / (low + 0.05)
}

var white, black = rgb{1, 1, 1}, rgb{}

// readableOn makes a colour lighter or darker, without changing its hue, until it has
// the contrast that text needs on all the grounds (WCAG 2.2, 1.4.3: 4.5 to 1, and a
// little more for rounding).
func (c rgb) readableOn(towards rgb, grounds ...rgb) rgb {
	for i := range 101 {
		shade := c.shade(towards, float64(i)/100)
		least := math.Inf(1)
		for _, g := range grounds {
			least = min(least, contrast(shade, g))
		}
		if least >= 4.6 {
			return shade
		}
	}
	return towards
}

// shade is the colour moved by a fraction of the way towards black or white, in
// HSL: mixed in sRGB a dark colour turns grey on its way to white.
func (c rgb) shade(towards rgb, fraction float64) rgb {
	high, low := max(c[0], c[1], c[2]), min(c[0], c[1], c[2])
	lightness, spread := (high+low)/2, high-low
	wanted := lightness*(1-fraction) + towards[0]*fraction
	if spread == 0 {
		return rgb{wanted, wanted, wanted}
	}
	room := func(l float64) float64 { return 1 - math.Abs(2*l-1) } // for the spread, at a lightness
	saturation := spread / room(lightness)
	if wanted > lightness {
		saturation *= 0.7 // a saturated light colour glares on a dark ground
	}
	var shade rgb
	for i, v := range c {
		shade[i] = min(max(wanted+(v-lightness)/spread*saturation*room(wanted), 0), 1)
	}
	return shade
}

// on is black or white, whichever is easier to read on c.
func (c rgb) on() rgb {
	if contrast(white, c) >= contrast(black, c) {
		return white
	}
	return black
}

// Grounds that text in the accent colour stands on, as in style.css.
var (
	groundsLight = []rgb{parseColour("#ffffff"), parseColour("#f3f5f7")}
	groundsDark  = []rgb{parseColour("#1a1d23"), parseColour("#101216")}
)

// accentCSS sets the variables that depend on the accent colour.
func accentCSS(hex string) string {
	set := func(c rgb) string { return fmt.Sprintf("--accent:%s;--on-accent:%s", c, c.on()) }
	c := parseColour(hex)
	light, dark := c.readableOn(black, groundsLight...), c.readableOn(white, groundsDark...)
	return fmt.Sprintf(":root{%s}@media(prefers-color-scheme:dark){:root{%s}}", set(light), set(dark))
}
