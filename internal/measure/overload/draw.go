package main

import (
	"bytes"
	"html/template"
	"time"
)

// draw returns the curves as an SVG picture. The left panel shows what succeeds, the
// right one how long the slowest of a hundred refusals takes, both over the offered
// load.
func draw(curves []curve) []byte {
	goodput := panel{Left: 70, Title: "resets that succeed", Unit: "of the capacity", goal: 0.9, Goal: "goal: 0.9 of the peak"}
	refusals := panel{Left: 470, Title: "p99 of a refusal", Unit: "ms", goal: 100, Goal: "goal: 100 ms"}
	for i, c := range curves {
		look := looks[i%len(looks)]
		good, slow := line{Look: look, Label: c.Engine}, line{Look: look, Label: c.Engine}
		for _, p := range c.Points {
			good.points = append(good.points, xy{p.Offered / c.Capacity, p.Goodput / c.Capacity})
			if len(p.Refusals) > 0 {
				slow.points = append(slow.points, xy{p.Offered / c.Capacity, float64(p.Refusals.at(99)) / float64(time.Millisecond)})
			}
		}
		goodput.Lines, refusals.Lines = append(goodput.Lines, good), append(refusals.Lines, slow)
	}
	goodput.scale()
	refusals.scale()
	var b bytes.Buffer
	if err := picture.Execute(&b, []panel{goodput, refusals}); err != nil {
		panic(err) // writing to a bytes.Buffer cannot fail
	}
	return b.Bytes()
}

type xy struct{ X, Y float64 }

type line struct {
	Look   look
	Label  string
	points []xy
	Points []xy    // in pixels
	LabelY float64 // in pixels
}

// look makes the lines distinguishable without colour.
type look struct{ Colour, Dash string }

var looks = []look{{"#0a6b63", "none"}, {"#b3541e", "6 3"}, {"#5b4b9a", "2 3"}}

// panel is one diagram, 320 by 220 pixels.
type panel struct {
	Left              float64
	Title, Unit, Goal string
	goal              float64
	GoalY             float64
	Lines             []line
	XTicks, YTicks    []tick
}

type tick struct {
	At    float64 // in pixels
	Value float64
}

const (
	width, height = 320.0, 220.0
	top           = 50.0
)

// scale fits the axes, which begin at 0, to the points and the goal.
func (p *panel) scale() {
	mostX, mostY := 1.0, p.goal
	for _, l := range p.Lines {
		for _, at := range l.points {
			mostX, mostY = max(mostX, at.X), max(mostY, at.Y)
		}
	}
	var stepX, stepY float64
	mostX, stepX = round(mostX)
	mostY, stepY = round(mostY)
	x := func(v float64) float64 { return p.Left + v/mostX*width }
	y := func(v float64) float64 { return top + height - v/mostY*height }
	for v := 0.0; v <= mostX*1.001; v += stepX {
		p.XTicks = append(p.XTicks, tick{x(v), v})
	}
	for v := 0.0; v <= mostY*1.001; v += stepY {
		p.YTicks = append(p.YTicks, tick{y(v), v})
	}
	p.GoalY = y(p.goal)
	for i := range p.Lines {
		l := &p.Lines[i]
		for _, at := range l.points {
			l.Points = append(l.Points, xy{x(at.X), y(at.Y)})
		}
		l.LabelY = 18 + 14*float64(i) // above the diagram, where no curve is
	}
}

// round returns the end of an axis, which is at least v, and the step of its ticks: 1,
// 2 or 5 times a power of ten, so that there are at most six ticks.
func round(v float64) (end, step float64) {
	for step = 1e-3; ; {
		for _, times := range []float64{2, 2.5, 2} {
			if v/step <= 6 {
				for end = step; end < v; {
					end += step
				}
				return end, step
			}
			step *= times
		}
	}
}

var picture = template.Must(template.New("").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 830 330" font-family="sans-serif" font-size="12" role="img" aria-label="Rate of successful resets, and time of refusals, by offered load">
<rect width="830" height="330" fill="#fff"/>
{{- range . }}{{ $left := .Left }}
<text x="{{ .Left }}" y="24" font-size="15">{{ .Title }}</text><text x="{{ .Left }}" y="42" fill="#555">{{ .Unit }}</text>
{{- range .YTicks }}
<path d="M{{ $left }} {{ .At }}h320" stroke="#ddd"/><text x="{{ $left }}" dx="-8" y="{{ .At }}" dy="4" text-anchor="end" fill="#555">{{ printf "%.4g" .Value }}</text>
{{- end }}
{{- range .XTicks }}
<text x="{{ .At }}" y="288" text-anchor="middle" fill="#555">{{ printf "%.4g" .Value }}</text>
{{- end }}
<text x="{{ .Left }}" dx="160" y="310" text-anchor="middle" fill="#555">offered, in capacities</text>
<path d="M{{ .Left }} {{ .GoalY }}h320" stroke="#888" stroke-dasharray="1 3"/><text x="{{ .Left }}" dx="318" y="{{ .GoalY }}" dy="-5" text-anchor="end" fill="#666">{{ .Goal }}</text>
{{- range .Lines }}{{ $look := .Look }}{{ if .Points }}
<polyline fill="none" stroke="{{ .Look.Colour }}" stroke-width="2" stroke-dasharray="{{ .Look.Dash }}" points="{{ range .Points }}{{ .X }},{{ .Y }} {{ end }}"/>
{{- range .Points }}<circle cx="{{ .X }}" cy="{{ .Y }}" r="3" fill="{{ $look.Colour }}"/>{{ end }}{{ end }}
<text x="{{ $left }}" dx="318" y="{{ .LabelY }}" text-anchor="end" fill="{{ .Look.Colour }}">{{ .Label }}</text>
{{- end }}
{{- end }}
</svg>
`))
