// Package providers has a table of the SMS providers: their settings, which of them
// serves a number, and their delivery receipts.
package providers

import (
	"net/http"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/aliyun"
	"github.com/seed-16109ab2/rekey/sms/bird"
	"github.com/seed-16109ab2/rekey/sms/huaweicloud"
	"github.com/seed-16109ab2/rekey/sms/sns"
	"github.com/seed-16109ab2/rekey/sms/tencentcloud"
	"github.com/seed-16109ab2/rekey/sms/twilio"
	"github.com/seed-16109ab2/rekey/sms/vonage"
)

// provider is one row of the table.
type provider struct {
	name     string
	settings []setting
	// open makes the sender. It may add faults to the values besides returning an error.
	open func(v *values) (sms.Sender, error)
	// receipts makes the handler of receipts for v.receiptURL. It is nil for providers
	// that do not sign receipts.
	receipts func(v *values, record recordReceipt) (http.Handler, error)
}

func (p provider) prefix() string { return settings.Variable(p.name) + "_" }

var endpoint = setting{name: "ENDPOINT", about: "base address of the API, if not the usual one"}

// templates is the setting of providers that send only approved templates.
func templates(example string) setting {
	return setting{name: "TEMPLATES", required: true, about: "JSON list of approved templates, with at least one for \"verify_code\" without \"language\": " + example}
}

// table lists all providers that -sms knows.
func table() []provider {
	return []provider{
		consoleProvider(),
		webhookProvider(),
		{"twilio", []setting{
			{name: "ACCOUNT_SID", about: "account, \"AC…\"", required: true},
			{name: "AUTH_TOKEN", about: "the account's auth token, or the API key's secret", required: true, secret: true},
			{name: "KEY_SID", about: "API key, \"SK…\", if the token is one's secret"},
			{name: "FROM", about: "sender: a number in E.164, a short code or an alphanumeric id"},
			{name: "MESSAGING_SERVICE_SID", about: "messaging service, \"MG…\", instead of FROM"},
			{name: "RECEIPT_TOKEN", about: "the account's auth token, for receipts if AUTH_TOKEN is an API key's secret", secret: true},
			endpoint,
		}, func(v *values) (sms.Sender, error) {
			return twilio.New(twilio.Config{AccountSID: v.text("ACCOUNT_SID"), AuthToken: v.secret("AUTH_TOKEN"), KeySID: v.text("KEY_SID"),
				From: v.text("FROM"), MessagingServiceSID: v.text("MESSAGING_SERVICE_SID"), Endpoint: v.text("ENDPOINT"), Timeout: v.timeout,
				StatusCallback: v.receiptURL})
		}, func(v *values, record recordReceipt) (http.Handler, error) {
			token := v.secret("RECEIPT_TOKEN")
			if token.Empty() && v.text("KEY_SID") == "" {
				token = v.secret("AUTH_TOKEN")
			}
			return twilio.NewReceipts(twilio.ReceiptsConfig{AuthToken: token, URL: v.receiptURL, Record: record})
		}},
		{"vonage", []setting{
			{name: "API_KEY", about: "the account's key", required: true},
			{name: "API_SECRET", about: "the account's secret", required: true, secret: true},
			{name: "FROM", about: "sender: a number without plus sign, or up to 11 letters and digits", required: true},
			{name: "SIGNATURE_SECRET", about: "the account's signature secret, for receipts", secret: true},
			endpoint,
		}, func(v *values) (sms.Sender, error) {
			return vonage.New(vonage.Config{APIKey: v.text("API_KEY"), APISecret: v.secret("API_SECRET"), From: v.text("FROM"),
				Endpoint: v.text("ENDPOINT"), Timeout: v.timeout, Callback: v.receiptURL})
		}, func(v *values, record recordReceipt) (http.Handler, error) {
			return vonage.NewReceipts(vonage.ReceiptsConfig{SignatureSecret: v.secret("SIGNATURE_SECRET"), Record: record})
		}},
		{"bird", []setting{
			{name: "ACCESS_KEY", about: "key that may send on the channel", required: true, secret: true},
			{name: "WORKSPACE_ID", about: "workspace, a UUID", required: true},
			{name: "CHANNEL_ID", about: "SMS channel, a UUID", required: true},
			{name: "SIGNING_KEY", about: "signing key of the subscription to sms.outbound, for receipts", secret: true},
			endpoint,
		}, func(v *values) (sms.Sender, error) {
			return bird.New(bird.Config{AccessKey: v.secret("ACCESS_KEY"), WorkspaceID: v.text("WORKSPACE_ID"), ChannelID: v.text("CHANNEL_ID"),
				Endpoint: v.text("ENDPOINT"), Timeout: v.timeout})
		}, func(v *values, record recordReceipt) (http.Handler, error) {
			return bird.NewReceipts(bird.ReceiptsConfig{SigningKey: v.secret("SIGNING_KEY"), URL: v.receiptURL, Record: record})
		}},
		{"sns", []setting{
			{name: "REGION", about: "AWS region, \"eu-central-1\"", required: true},
			{name: "ACCESS_KEY_ID", about: "access key of a user who may publish to phone numbers", required: true},
			{name: "SECRET_ACCESS_KEY", about: "the access key's secret", required: true, secret: true},
			{name: "SESSION_TOKEN", about: "of short-lived credentials", secret: true},
			{name: "SENDER_ID", about: "sender where a country permits it, 1 to 11 letters, digits and hyphens"},
			{name: "ORIGINATION_NUMBER", about: "the sender's own number, in E.164"},
			endpoint,
		}, func(v *values) (sms.Sender, error) {
			return sns.New(sns.Config{Region: v.text("REGION"), Credentials: sns.Credentials{AccessKeyID: v.text("ACCESS_KEY_ID"),
				SecretAccessKey: v.secret("SECRET_ACCESS_KEY"), SessionToken: v.secret("SESSION_TOKEN")},
				SenderID: v.text("SENDER_ID"), OriginationNumber: v.text("ORIGINATION_NUMBER"), Endpoint: v.text("ENDPOINT"), Timeout: v.timeout})
		}, nil},
		{"huaweicloud", []setting{
			{name: "APP_KEY", about: "key of the SMS application", required: true},
			{name: "APP_SECRET", about: "secret of the SMS application", required: true, secret: true},
			templates(`[{"kind": "verify_code", "id": "…", "sender": "…", "params": ["code", "minutes"]}]`),
			endpoint,
		}, func(v *values) (sms.Sender, error) {
			c := huaweicloud.Config{AppKey: v.text("APP_KEY"), AppSecret: v.secret("APP_SECRET"), Endpoint: v.text("ENDPOINT"), Timeout: v.timeout}
			v.json("TEMPLATES", &c.Templates)
			return huaweicloud.New(c)
		}, nil},
		{"aliyun", []setting{
			{name: "ACCESS_KEY_ID", about: "access key of a user who may call SendSms", required: true},
			{name: "ACCESS_KEY_SECRET", about: "the access key's secret", required: true, secret: true},
			{name: "SIGN_NAME", about: "approved signature, unless every template has its own"},
			templates(`[{"kind": "verify_code", "code": "SMS_…", "params": {"code": "code"}}]`),
			endpoint,
		}, func(v *values) (sms.Sender, error) {
			c := aliyun.Config{AccessKeyID: v.text("ACCESS_KEY_ID"), AccessKeySecret: v.secret("ACCESS_KEY_SECRET"), SignName: v.text("SIGN_NAME"),
				Endpoint: v.text("ENDPOINT"), Timeout: v.timeout}
			v.json("TEMPLATES", &c.Templates)
			return aliyun.New(c)
		}, nil},
		{"tencentcloud", []setting{
			{name: "SECRET_ID", about: "id of a user who may call SendSms", required: true},
			{name: "SECRET_KEY", about: "that user's key", required: true, secret: true},
			{name: "APP_ID", about: "the SMS application's SdkAppId", required: true},
			{name: "SIGN_NAME", about: "approved signature, which mainland China requires"},
			{name: "REGION", about: "region of the service; default " + tencentcloud.DefaultRegion},
			templates(`[{"kind": "verify_code", "id": "…", "params": ["code", "minutes"]}]`),
			endpoint,
		}, func(v *values) (sms.Sender, error) {
			c := tencentcloud.Config{SecretID: v.text("SECRET_ID"), SecretKey: v.secret("SECRET_KEY"), AppID: v.text("APP_ID"), SignName: v.text("SIGN_NAME"),
				Region: v.text("REGION"), Endpoint: v.text("ENDPOINT"), Timeout: v.timeout}
			v.json("TEMPLATES", &c.Templates)
			return tencentcloud.New(c)
		}, nil},
	}
}
