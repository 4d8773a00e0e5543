package identity

import "context"

// CheckCaller returns nil if the service accepts the caller. Use it in your own routes that
// do something before they call the service.
//
// Errors: [ErrClientMissing], [ErrDeviceMissing], [ErrClientNotFound], [ErrClientDisabled],
// [ErrTenantMissing]; anything else is a failure of storage.
func (s *Service) CheckCaller(ctx context.Context, c Caller) error {
	_, err := s.scope(ctx, c)
	return err
}
