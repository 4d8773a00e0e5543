package identity

import "context"

// NormalizeMobile returns the E.164 form of a number in any spelling that
// [Service.SendVerifyCode] reads: what the service stores, compares and asks a
// [CaptchaVerifier] about. Its error is [ErrInvalidMobile].
func (s *Service) NormalizeMobile(mobile string) (e164 string, err error) {
	e164, _, err = s.mobiles.parse(mobile)
	return e164, err
}

// CheckCaller reports whether the service would act for the caller at all, for
// routes of your own that do something before they call it.
//
// Errors: [ErrClientMissing], [ErrClientNotFound], [ErrClientDisabled],
// [ErrTenantMissing]; anything else is a failure of storage.
func (s *Service) CheckCaller(ctx context.Context, c Caller) error {
	_, err := s.scope(ctx, c)
	return err
}
