package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms/console"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

const (
	webhookSecretVariable = "REKEY_WEBHOOK_SECRET"
	webhookPrefix         = "webhook="
)

// carrier says who carries the messages.
type carrier struct {
	kind               string
	webhookSecret, old string
	insecureHTTP       bool
}

func (c *carrier) flags(f *flags) {
	f.StringVar(&c.kind, "sms", "", "`CARRIER` of the messages: \"console\" prints them on standard output, for trying only; "+
		"\"webhook=URL\" posts them, signed, to a service of yours; required")
	f.StringVar(&c.webhookSecret, "webhook-secret-file", "", "`FILE` of the secret that signs webhook requests, \"whsec_\" and base64 of 24 to 64 random bytes, mode 0600; "+
		"instead of it the environment may hold the secret itself in "+webhookSecretVariable)
	f.StringVar(&c.old, "old-webhook-secret-file", "", "`FILE` of an earlier such secret, which signs too while the receiver moves on; default none")
	f.BoolVar(&c.insecureHTTP, "insecure-webhook-http", false, "allow http to another host than loopback: whoever is on the path reads the codes")
}

// name is the kind without the URL, which may hold a token.
func (c *carrier) name() string {
	kind, _, _ := strings.Cut(c.kind, "=")
	return kind
}

// sender never repeats the URL in an error.
func (c *carrier) sender(out io.Writer, timeout time.Duration) (identity.SMSSender, error) {
	url, isWebhook := strings.CutPrefix(c.kind, webhookPrefix)
	switch {
	case c.kind == "console":
		return console.New(out), nil
	case c.kind == "":
		return nil, usagef("-sms is missing, give \"console\" or \"webhook=URL\"")
	case !isWebhook:
		return nil, usagef("-sms must be \"console\" or \"webhook=URL\"")
	}
	secret, err := c.secret()
	if err != nil {
		return nil, err
	}
	config := webhook.Config{URL: url, Secret: secret, InsecureHTTP: c.insecureHTTP, Timeout: min(timeout, time.Minute)}
	if c.old != "" {
		text, err := readPrivate(c.old)
		if err != nil {
			return nil, err
		}
		config.OldSecret = identity.NewSecret(strings.TrimSpace(text))
	}
	sender, err := webhook.New(config)
	if err != nil {
		return nil, usageError{fmt.Errorf("-sms: %w", err)}
	}
	return sender, nil
}

func (c *carrier) secret() (identity.Secret, error) {
	text := os.Getenv(webhookSecretVariable)
	switch {
	case text != "" && c.webhookSecret != "":
		return identity.Secret{}, usagef("both %s and -webhook-secret-file are set, give one of them", webhookSecretVariable)
	case text == "" && c.webhookSecret == "":
		return identity.Secret{}, usagef("-sms %sURL needs a secret in %s or -webhook-secret-file, so that the receiver knows who asks", webhookPrefix, webhookSecretVariable)
	case text == "":
		var err error
		if text, err = readPrivate(c.webhookSecret); err != nil {
			return identity.Secret{}, err
		}
	}
	return identity.NewSecret(strings.TrimSpace(text)), nil
}
