package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// The picture is well-formed, and every point lies within its panel.
func TestPicture(t *testing.T) {
	t.Parallel()
	slow := times{80 * time.Millisecond}
	text := draw([]curve{
		{Engine: "sqlite", Capacity: 60, Points: []point{{Offered: 30, Goodput: 30}, {Offered: 600, Goodput: 57, Refused: 540, Refusals: slow}}},
		{Engine: "postgres", Capacity: 50, Points: []point{{Offered: 500, Goodput: 52, Refusals: slow}}},
	})
	points := 0
	for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			points++
		}
	}
	if points != 5 {
		t.Errorf("%d points, want 3 of goodput and 2 of refusals:\n%s", points, text)
	}
	for _, want := range []string{">sqlite<", ">postgres<", "#0a6b63", "goal: 100 ms"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for v, want := range map[float64][2]float64{10: {10, 2}, 1: {1, 0.2}, 1.05: {1.2, 0.2}, 100: {100, 20}, 301: {400, 100}} {
		end, step := round(v)
		if end < want[0]*0.999 || end > want[0]*1.001 || step < want[1]*0.999 || step > want[1]*1.001 {
			t.Errorf("round(%g) = %g, %g, want %v", v, end, step, want)
		}
	}
}
