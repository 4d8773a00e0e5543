package puzzle

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"

	imagedraw "image/draw"
)

// The sizes that the widgets of the family expect, in pixels.
const (
	width, height = 310, 155
	size          = 47 // of the piece, with its knobs
	margin        = 6
	// firstX and lastX bound the hole, so that it is never where the piece starts.
	firstX, lastX = 100, width - size - margin
)

// draw returns the picture with a hole at x, y, and the piece that fits. The place of the
// hole must not be guessable, so the caller chooses it with crypto/rand. The rest is
// decoration, for which math/rand/v2 is enough.
func draw(x, y int, backgrounds []image.Image) (picture, piece []byte, err error) {
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	if len(backgrounds) > 0 {
		b := backgrounds[rand.IntN(len(backgrounds))]
		from := b.Bounds().Min.Add(image.Pt(rand.IntN(b.Bounds().Dx()-width+1), rand.IntN(b.Bounds().Dy()-height+1)))
		imagedraw.Draw(canvas, canvas.Bounds(), b, from, imagedraw.Src)
	} else {
		paint(canvas)
	}

	shape := randomShape()
	hole := image.Rect(x, y, x+size, y+size)
	strip := image.NewRGBA(image.Rect(0, 0, size, height))
	imagedraw.DrawMask(strip, image.Rect(0, y, size, y+size), canvas, hole.Min, shape.mask(0, math.Inf(1)), image.Point{}, imagedraw.Over)
	border := image.NewUniform(color.White)
	imagedraw.DrawMask(strip, image.Rect(0, y, size, y+size), border, image.Point{}, shape.mask(0, 1.6), image.Point{}, imagedraw.Over)

	// Draw a second hole that the piece does not fit, so that looking for the darkest place
	// is not enough.
	if other, ok := decoy(x); ok {
		dig(canvas, image.Rect(other, y, other+size, y+size), shape.turned())
	}
	dig(canvas, hole, shape)

	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	var a, b bytes.Buffer
	if err := encoder.Encode(&a, canvas); err != nil {
		return nil, nil, err
	}
	if err := encoder.Encode(&b, strip); err != nil {
		return nil, nil, err
	}
	return a.Bytes(), b.Bytes(), nil
}

func dig(canvas *image.RGBA, hole image.Rectangle, s shape) {
	shadow, rim := image.NewUniform(color.NRGBA{A: 120}), image.NewUniform(color.NRGBA{R: 255, G: 255, B: 255, A: 170})
	imagedraw.DrawMask(canvas, hole, shadow, image.Point{}, s.mask(0, math.Inf(1)), image.Point{}, imagedraw.Over)
	imagedraw.DrawMask(canvas, hole, rim, image.Point{}, s.mask(0, 1.2), image.Point{}, imagedraw.Over)
}

// decoy returns a place for the second hole that does not overlap the first.
func decoy(x int) (int, bool) {
	for range 20 {
		other := size + margin + rand.IntN(lastX-size-margin)
		if other+size+margin < x || x+size+margin < other {
			return other, true
		}
	}
	return 0, false
}

// shape is a jigsaw piece: a square with a knob or a dent at each side.
type shape [4]float64 // top, right, bottom, left: 1 for a knob, -1 for a dent, 0 for none

func randomShape() shape {
	for {
		var s shape
		for i := range s {
			s[i] = float64(rand.IntN(3) - 1)
		}
		if s != s.turned() { // else the second hole would fit
			return s
		}
	}
}

// turned returns the shape with a dent for each knob and a knob for each dent.
func (s shape) turned() shape { return shape{-s[0], -s[1], -s[2], -s[3]} }

// distance returns how far a point lies inside the shape's edge, in pixels; it is negative
// outside.
func (s shape) distance(x, y float64) float64 {
	const half, radius, reach = size/2.0 - 8, 6.5, 1.5
	x, y = x-size/2.0, y-size/2.0
	d := half - max(math.Abs(x), math.Abs(y))
	for i, at := range [4][2]float64{{0, -1}, {1, 0}, {0, 1}, {-1, 0}} {
		knob := radius - math.Hypot(x-at[0]*(half+s[i]*reach), y-at[1]*(half+s[i]*reach))
		switch {
		case s[i] > 0:
			d = max(d, knob)
		case s[i] < 0:
			d = min(d, -knob)
		}
	}
	return d
}

// mask covers what lies between lo and hi pixels inside the edge, with soft edges.
func (s shape) mask(lo, hi float64) *image.Alpha {
	m := image.NewAlpha(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			d := s.distance(float64(x)+0.5, float64(y)+0.5)
			cover := min(max(d-lo+0.5, 0), max(hi-d+0.5, 0), 1)
			m.SetAlpha(x, y, color.Alpha{A: uint8(cover * 255)})
		}
	}
	return m
}

// paint fills the canvas with a random landscape of colours: a slope, and soft
// discs and bands upon it.
func paint(canvas *image.RGBA) {
	top, bottom := randomColour(), randomColour()
	for y := range height {
		f := float64(y) / height
		row := color.RGBA{mix(top.R, bottom.R, f), mix(top.G, bottom.G, f), mix(top.B, bottom.B, f), 255}
		for x := range width {
			canvas.SetRGBA(x, y, row)
		}
	}
	for range 26 {
		colour, alpha := randomColour(), 0.35+rand.Float64()*0.5
		cx, cy := rand.Float64()*width, rand.Float64()*height
		a, b, turn := 6+rand.Float64()*44, 4+rand.Float64()*26, rand.Float64()*math.Pi
		blob(canvas, cx, cy, a, b, turn, colour, alpha)
	}
}

// blob is an ellipse with half axes a and b.
func blob(canvas *image.RGBA, cx, cy, a, b, turn float64, c color.RGBA, alpha float64) {
	sin, cos := math.Sincos(turn)
	reach := max(a, b) + 1
	box := image.Rect(int(cx-reach), int(cy-reach), int(cx+reach)+1, int(cy+reach)+1).Intersect(canvas.Bounds())
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			dx, dy := float64(x)-cx, float64(y)-cy
			d := (1 - math.Hypot((dx*cos+dy*sin)/a, (dy*cos-dx*sin)/b)) * min(a, b)
			cover := min(max(d+0.5, 0), 1) * alpha
			if cover == 0 {
				continue
			}
			at := canvas.RGBAAt(x, y)
			canvas.SetRGBA(x, y, color.RGBA{mix(at.R, c.R, cover), mix(at.G, c.G, cover), mix(at.B, c.B, cover), 255})
		}
	}
}

func mix(a, b uint8, f float64) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*f) }

func randomColour() color.RGBA {
	return color.RGBA{uint8(40 + rand.IntN(190)), uint8(40 + rand.IntN(190)), uint8(40 + rand.IntN(190)), 255}
}
