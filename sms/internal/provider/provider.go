// Package provider holds what the constructors of the senders share.
package provider

import (
	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
	"github.com/seed-16109ab2/rekey/sms/smshttp"
)

// Open checks the settings that every provider has, and returns the provider's
// base address and a client for it. Its error joins faults, which the caller found,
// with its own.
func Open(endpoint, defaultEndpoint string, c smshttp.Config, faults ...error) (base string, client *smshttp.Client, err error) {
	base, err = smsconfig.Base("Endpoint", endpoint, defaultEndpoint)
	faults = append(faults, err)
	client, err = smshttp.New(c)
	faults = append(faults, err)
	return base, client, smsconfig.Join(c.Provider, faults...)
}
