package identity

import (
	"slices"
	"time"
)

// Countries returns the served regions as ISO 3166-1 alpha-2 codes, in the order of
// [Config.Countries]. The function CountryOf of package mobile describes how their numbers
// are written. The caller may change the slice.
func (s *Service) Countries() []string { return slices.Clone(s.cfg.Countries) }

// DefaultRegion returns the region of numbers without a country code, see
// [Config.DefaultRegion].
func (s *Service) DefaultRegion() string { return s.cfg.DefaultRegion }

// Now returns the time of the service's clock, by which codes expire, in UTC and whole
// milliseconds.
func (s *Service) Now() time.Time { return s.now() }
