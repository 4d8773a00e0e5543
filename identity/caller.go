package identity

import "context"

// CheckCaller reports whether the service would act for the caller at all, for
// routes of your own that do something before they call it.
//
// Errors: [ErrClientMissing], [ErrDeviceMissing], [ErrClientNotFound], [ErrClientDisabled],
// [ErrTenantMissing]; anything else is a failure of storage.
func (s *Service) CheckCaller(ctx context.Context, c Caller) error {
	_, err := s.scope(ctx, c)
	return err
}
