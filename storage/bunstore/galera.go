package bunstore

import "context"

func (s *Store) probeGalera(context.Context) (bool, error) { return false, nil }
