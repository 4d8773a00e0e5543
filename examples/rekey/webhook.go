package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

const webhookSecretVariable = "REKEY_WEBHOOK_SECRET"

// webhookSettings are those of -sms webhook=URL.
type webhookSettings struct {
	file, old    string
	insecureHTTP bool
}

func (w *webhookSettings) flags(f *flags) {
	f.StringVar(&w.file, "webhook-secret-file", "", "`FILE` of the secret that signs webhook requests, \"whsec_\" and base64 of 24 to 64 random bytes, mode 0600; "+
		"instead of it the environment may hold the secret itself in "+webhookSecretVariable)
	f.StringVar(&w.old, "old-webhook-secret-file", "", "`FILE` of an earlier such secret, which signs too while the receiver moves on; default none")
	f.BoolVar(&w.insecureHTTP, "insecure-webhook-http", false, "allow http to another host than loopback: whoever is on the path reads the codes")
}

// sender never repeats the URL in an error.
func (w *webhookSettings) sender(url string, timeout time.Duration) (sms.Sender, error) {
	secret, old, err := w.secrets()
	if err != nil {
		return nil, err
	}
	sender, err := webhook.New(webhook.Config{URL: url, Secret: secret, OldSecret: old, InsecureHTTP: w.insecureHTTP, Timeout: timeout})
	if err != nil {
		return nil, usageError{fmt.Errorf("-sms: %w", err)}
	}
	return sender, nil
}

// receipts makes the handler of what the service says of its messages.
func (w *webhookSettings) receipts(record recordReceipt) (http.Handler, error) {
	secret, old, err := w.secrets()
	if err != nil {
		return nil, err
	}
	return webhook.NewReceipts(webhook.ReceiptsConfig{Secret: secret, OldSecret: old, Record: record})
}

func (w *webhookSettings) secrets() (secret, old identity.Secret, err error) {
	if secret, err = w.secret(); err != nil || w.old == "" {
		return secret, old, err
	}
	text, err := readPrivate(w.old)
	return secret, identity.NewSecret(strings.TrimSpace(text)), err
}

func (w *webhookSettings) secret() (identity.Secret, error) {
	text := os.Getenv(webhookSecretVariable)
	switch {
	case text != "" && w.file != "":
		return identity.Secret{}, usagef("both %s and -webhook-secret-file are set, give one of them", webhookSecretVariable)
	case text == "" && w.file == "":
		return identity.Secret{}, usagef("-sms webhook=URL needs a secret in %s or -webhook-secret-file, so that the receiver knows who asks", webhookSecretVariable)
	case text == "":
		var err error
		if text, err = readPrivate(w.file); err != nil {
			return identity.Secret{}, err
		}
	}
	return identity.NewSecret(strings.TrimSpace(text)), nil
}
