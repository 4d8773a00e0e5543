package providers

import (
	"net/http"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/console"
	"github.com/seed-16109ab2/rekey/sms/webhook"
)

// consoleProvider prints messages, for trying Rekey out.
func consoleProvider() provider {
	return provider{"console", nil, func(v *values) (sms.Sender, error) { return console.New(v.out), nil }, nil}
}

// webhookProvider is the operator's own service.
func webhookProvider() provider {
	return provider{"webhook", []setting{
		{name: "URL", about: "where messages are posted; -sms webhook=URL sets it too", required: true},
		{name: "SECRET", about: "secret that signs the requests, \"whsec_\" and base64 of 24 to 64 random bytes", required: true, secret: true},
		{name: "OLD_SECRET", about: "earlier secret, which also signs until the receiver uses the new secret", secret: true},
		{name: "INSECURE_HTTP", about: "\"true\" allows http to hosts other than loopback: an attacker on the path can then read the codes"},
	}, func(v *values) (sms.Sender, error) {
		return webhook.New(webhook.Config{URL: v.text("URL"), Secret: v.secret("SECRET"), OldSecret: v.secret("OLD_SECRET"),
			InsecureHTTP: v.on("INSECURE_HTTP"), Timeout: v.timeout})
	}, func(v *values, record recordReceipt) (http.Handler, error) {
		return webhook.NewReceipts(webhook.ReceiptsConfig{Secret: v.secret("SECRET"), OldSecret: v.secret("OLD_SECRET"), Record: record})
	}}
}
