// Package identitytest makes an [identity.Service] for an application's tests: on memory
// storage, with a recorder instead of a provider, and with a clock to set.
//
// # Usage
//
//	f := identitytest.New(t)
//	user := f.User("12345678901", "violet-Harbor-93")
//	f.SendCode("12345678901")
//	code := f.Code("12345678901")
//	err := f.ResetByMobile(ctx, identity.ResetRequest{
//		Caller: f.Caller(), Mobile: "12345678901", Code: identity.NewSecret(code), Password: identity.NewSecret("amber-Lantern-27"),
//	})
package identitytest
