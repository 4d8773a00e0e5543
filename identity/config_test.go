package identity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func good() identity.Config {
	return identity.Config{Store: memory.New(), SMS: &smstest.Recorder{}, Secret: identity.NewSecret(strings.Repeat("s", 32))}
}

// Kratos CVE-2026-33503: a service that started without a secret.
func TestNewReportsAllFaultsTogether(t *testing.T) {
	t.Parallel()
	_, err := identity.New(identity.Config{
		OldSecrets: []identity.Secret{identity.NewSecret("short")},
		CodeDigits: 5, CodeLifetime: time.Hour, DefaultRegion: "XX",
		Hash: identity.HashParams{MemoryKiB: 1024}, Password: identity.PasswordPolicy{Min: 4, History: 11},
		Limits: identity.LimitPolicy{CodeAttempts: 11, FailuresPerKnownDevice: limit.Bucket{Burst: -1, Every: time.Hour}, SendsPerNumber: []limit.Rate{{Limit: 0, Per: time.Hour}}},
		Texts:  identity.Texts{"en": {Code: map[identity.Purpose]string{"": "no code {oops}"}, PasswordChanged: "x"}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"Store is missing", "SMS is missing", "Secret has 0 bytes", "OldSecrets[0] has 5 bytes", "CodeDigits", "CodeLifetime", `"XX"`,
		"Hash.MemoryKiB", "Password.Min", "Password.History", "CodeAttempts", "FailuresPerKnownDevice", "SendsPerNumber", "must contain {code} once", "{oops}",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q:\n%v", want, err)
		}
	}
}

func TestNewKeepsItsOwnCopy(t *testing.T) {
	t.Parallel()
	cfg := good()
	cfg.Countries = []string{"CN"}
	cfg.Texts = identity.DefaultTexts()
	svc, err := identity.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Countries[0] = "US"
	cfg.Texts["en"].Code[identity.PurposeForgotPassword] = "changed"
	if _, err := svc.UserByMobile(t.Context(), "", number); err == nil || strings.Contains(err.Error(), "mobile number") {
		t.Errorf("the caller's slice is still in use: %v", err)
	}
}

// A secret must not leak through a log line that prints it by accident.
func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	const value = "canary-4711"
	type inner struct{ s identity.Secret }
	s := identity.NewSecret(value)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{s, &s, inner{s}, &inner{s}, []identity.Secret{s}, map[string]identity.Secret{"k": s},
			identity.ResetRequest{Password: s, Code: s}, identity.Config{Secret: s, OldSecrets: []identity.Secret{s}}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range []any{s, inner{s}, identity.ResetRequest{Password: s}} {
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("%v", []byte(value))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%s in the output", form)
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing was printed")
	}
	if s.Reveal() != value || (identity.Secret{}).Reveal() != "" {
		t.Error("Reveal does not return the value")
	}
}

func TestMessagesDoNotPrint(t *testing.T) {
	t.Parallel()
	m := sms.Message{ID: "id-1", To: e164, Text: "code 123456", Params: map[string]string{"code": "123456"}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb+verb+verb, m, &m, []sms.Message{m})
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "m", m)
	for _, form := range []string{"123456", "313233343536", number} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%s in %s", form, out.String())
		}
	}
}
