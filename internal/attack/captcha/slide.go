package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
)

// findHole finds the hole as an attacker who has read the source would: it searches for
// the place where the picture under the piece differs least from the piece in shadow.
func findHole(picturePNG, piecePNG []byte) (x int, err error) {
	picture, err := png.Decode(bytes.NewReader(picturePNG))
	if err != nil {
		return 0, err
	}
	piece, err := png.Decode(bytes.NewReader(piecePNG))
	if err != nil {
		return 0, err
	}
	type dot struct {
		x, y  int
		wants float64
	}
	const shadow = 1 - 120.0/255
	var dots []dot
	for y := range piece.Bounds().Dy() {
		for x := range piece.Bounds().Dx() {
			if c := color.NRGBAModel.Convert(piece.At(x, y)).(color.NRGBA); c.A == 255 && c.R < 240 {
				dots = append(dots, dot{x, y, float64(c.G) * shadow})
			}
		}
	}
	best := math.Inf(1)
	for at := range picture.Bounds().Dx() - piece.Bounds().Dx() {
		sum := 0.0
		for _, d := range dots {
			sum += math.Abs(green(picture, at+d.x, d.y) - d.wants)
		}
		if sum < best {
			best, x = sum, at
		}
	}
	return x, nil
}

func green(i image.Image, x, y int) float64 {
	return float64(color.NRGBAModel.Convert(i.At(x, y)).(color.NRGBA).G)
}
