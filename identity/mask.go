package identity

import "github.com/seed-16109ab2/rekey/identity/internal/mobile"

// MaskMobile returns an E.164 number as the audit trail shows it: the country code
// and the last digits, such as +86*******8901. Anything else is masked whole.
func MaskMobile(e164 string) string { return mobile.Mask(e164) }
