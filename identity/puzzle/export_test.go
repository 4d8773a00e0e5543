package puzzle

// Hole exposes where the hole of a puzzle is.
func (p *Puzzles) Hole(token string) int {
	s, err := p.unpack(kindPuzzle, token)
	if err != nil {
		panic(err)
	}
	return int(s.x)
}

// FirstX and LastX bound where a hole is.
const (
	FirstX = firstX
	LastX  = lastX
)
