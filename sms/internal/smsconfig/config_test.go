package smsconfig_test

import (
	"testing"

	"github.com/seed-16109ab2/rekey/sms/internal/smsconfig"
)

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"https://example.com/a":    true,
		"http://127.0.0.1:80":      true,
		"http://127.0.0.2":         true,
		"http://LOCALHOST":         true,
		"http://[::1]":             true,
		"http://example.com":       false,
		"http://127.0.0.1.nip.io":  false,
		"http://0.0.0.0":           false,
		"https://u@example.com":    false,
		"https://example.com/#x":   false,
		"https:example.com":        false,
		"//example.com":            false,
		"":                         false,
		"gopher://example.com":     false,
		"https://exa mple.com/":    false,
		"https://example.com:http": false,
	} {
		if _, err := smsconfig.Endpoint("Endpoint", raw, false); (err == nil) != ok {
			t.Errorf("Endpoint(%q) = %v", raw, err)
		}
	}
}
