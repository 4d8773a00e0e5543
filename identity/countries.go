package identity

import (
	"slices"
	"time"
)

// Countries are the served regions as ISO 3166-1 alpha-2 codes, in the order of
// [Config.Countries]. Function CountryOf of package mobile says how their numbers
// are written. The caller may change the slice.
func (s *Service) Countries() []string { return slices.Clone(s.cfg.Countries) }

// DefaultRegion is where a number without a country code belongs, see
// [Config.DefaultRegion].
func (s *Service) DefaultRegion() string { return s.cfg.DefaultRegion }

// Now is the service's clock, in UTC and whole milliseconds: what codes expire by.
func (s *Service) Now() time.Time { return s.now() }
