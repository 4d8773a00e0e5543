package limit

// Mode says what reaching a limit leads to, where the limit may be counted without
// being enforced.
type Mode string

// The modes.
const (
	Record  Mode = "record"  // raise an alarm, refuse nothing
	Enforce Mode = "enforce" // raise an alarm, and refuse
	Off     Mode = "off"     // do not count
)
