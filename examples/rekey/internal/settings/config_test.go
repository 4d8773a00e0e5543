package settings_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Each flag of Config fills the field of its name.
func TestFlagsFillConfig(t *testing.T) {
	t.Parallel()
	bucket := func(n int) limit.Bucket { return limit.Bucket{Burst: n, Every: time.Minute} }
	hour := func(n int) []limit.Rate { return []limit.Rate{{Limit: n, Per: time.Hour}} }
	want := identity.Config{
		DefaultRegion: "DE", Countries: []string{"DE", "AT"}, CodeDigits: 7, CodeLifetime: 3 * time.Minute,
		Limits: identity.LimitPolicy{
			CodeAttempts: 4, LiveCodes: 2, SendCooldown: 30 * time.Second,
			SendsPerNumberAndNetwork: []limit.Rate{{Limit: 1, Per: time.Minute}, {Limit: 2, Per: time.Hour}},
			SendsPerNumber:           hour(1), SendsPerKnownDevice: hour(2), SendsPerAddress: hour(3), SendsPerSubnet: hour(4), SendsPerNetwork: hour(5),
			FailuresPerNumberAndNetwork: hour(6), FailuresPerNumber: hour(7), FailuresPerKnownDevice: bucket(8),
			FailuresPerAddress: hour(9), FailuresPerSubnet: hour(10), FailuresPerNetwork: hour(11), FailuresTotal: hour(12),
			FailuresAlarm:             limit.Rate{Limit: 13, Per: time.Hour},
			LoginsPerNumberAndNetwork: hour(14), LoginsPerNumber: hour(15), LoginsPerKnownDevice: bucket(16),
			LoginsPerAddress: hour(17), LoginsPerSubnet: hour(18), LoginsPerNetwork: hour(19),
			RefusalsPerAddress: hour(20), RefusalsPerSubnet: hour(21), RefusalsPerNetwork: hour(22),
			SuspiciousSendsPerPrefix: hour(23), SuspiciousSendsTotal: hour(24),
		},
		Budget: identity.BudgetPolicy{
			Total: hour(25), PerTenant: hour(26), PerClient: hour(27), PerPrefix: hour(28), Alarm: limit.Rate{Limit: 29, Per: time.Hour},
			PerRegion:  map[string][]limit.Rate{"AT": {{Limit: 6, Per: time.Hour}, {Limit: 7, Per: 24 * time.Hour}}, "DE": hour(8)},
			Unredeemed: limit.Enforce, UnredeemedPerPrefix: hour(30), UnredeemedPerNetwork: hour(31), UnredeemedPerRegion: hour(32),
		},
		Purposes: []identity.Purpose{identity.PurposeForgotPassword, identity.PurposeLogin}, EventTypes: []audit.Type{"limit.alarm"},
		CaptchaMode: identity.CaptchaOnSuspicion, HashWait: 3 * time.Second, StorageTimeout: 2 * time.Second, StorageWait: 7 * time.Second, HookTimeout: 4 * time.Second,
		Password: identity.PasswordPolicy{Min: 10, Max: 100, Strength: 4, Words: []string{"acme", "rocket"}, History: 3},
		Hash:     identity.HashParams{MemoryKiB: 20_000, Iterations: 3, Parallelism: 2}, HashConcurrency: 5, HashQueue: -1,
		DefaultLanguage: "zh", ServiceName: "Acme", SupportContact: "help.acme.example", OriginDomain: "acme.example", SendTimeout: 4 * time.Second, SendConcurrency: 6, RetryUncertain: true,
		NoticeLifetime: time.Hour, EventLifetime: identity.Config{}.WithDefaults().EventLifetime, MessageRetention: 48 * time.Hour, EventRetention: -1, AnswerStep: 20 * time.Millisecond, InsecureAnyDevice: true,
	}
	args := `-default-region=DE -countries=DE,AT -code-digits=7 -code-lifetime=3m -code-attempts=4 -live-codes=2 -send-cooldown=30s
		-sends-per-number-and-network=1/1m,2/1h -sends-per-number=1/1h -sends-per-known-device=2/1h -sends-per-address=3/1h -sends-per-subnet=4/1h
		-sends-per-network=5/1h -failures-per-number-and-network=6/1h -failures-per-number=7/1h -failures-per-known-device=8+1/1m
		-failures-per-address=9/1h -failures-per-subnet=10/1h -failures-per-network=11/1h -failures-total=12/1h -failures-alarm=13/1h
		-logins-per-number-and-network=14/1h -logins-per-number=15/1h -logins-per-known-device=16+1/1m -logins-per-address=17/1h
		-logins-per-subnet=18/1h -logins-per-network=19/1h -refusals-per-address=20/1h -refusals-per-subnet=21/1h -refusals-per-network=22/1h
		-suspicious-sends-per-prefix=23/1h -suspicious-sends-total=24/1h -budget-total=25/1h -budget-per-tenant=26/1h -budget-per-client=27/1h
		-budget-per-prefix=28/1h -budget-alarm=29/1h -budget-per-region=AT=6/1h,7/24h;DE=8/1h -budget-unredeemed=enforce
		-budget-unredeemed-per-prefix=30/1h -budget-unredeemed-per-network=31/1h -budget-unredeemed-per-region=32/1h -purposes=FORGET_PWD_SMS,LOGIN_SMS -event-types=limit.alarm
		-hash-wait=3s -storage-timeout=2s -storage-wait=7s -hook-timeout=4s -password-min=10 -password-max=100 -password-strength=4 -password-words=acme,rocket
		-password-history=3 -hash-memory-kib=20000 -hash-iterations=3 -hash-parallelism=2 -hash-concurrency=5 -hash-queue=0
		-default-language=zh -service-name=Acme -support-contact=help.acme.example -origin-domain=acme.example -send-timeout=4s -send-concurrency=6 -retry-uncertain -notice-lifetime=1h
		-message-retention=48h -event-retention=0 -answer-step=20ms -insecure-any-device`
	got := settings.Defaults()
	f := settings.New()
	f.Config(&got)
	if err := f.Parse(append(strings.Fields(args), "-captcha-mode=on suspicion")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(identity.Config{}, "Secret", "OldSecrets", "Logger", "Now", "OnPasswordReset", "Store", "SMS", "TestNumbers", "Guard", "Captcha", "Breached", "OnEvent", "Observer")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := settings.Check(got); err != nil {
		t.Error(err)
	}
}

// The flags' defaults are accepted, and each numeric field of Config has a flag.
func TestEveryNumberHasAFlag(t *testing.T) {
	t.Parallel()
	c := settings.Defaults()
	f := settings.New()
	f.Config(&c)
	if err := settings.Check(c); err != nil {
		t.Error(err)
	}
	var fields func(prefix string, typ reflect.Type)
	fields = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			name := prefix + field.Name
			switch {
			case field.Type.Kind() == reflect.Struct && field.Type.NumField() > 2 && field.Type != reflect.TypeFor[identity.Secret]():
				fields(name+".", field.Type)
			case field.Type.Kind() == reflect.Interface, field.Type.Kind() == reflect.Func, field.Type.Kind() == reflect.Pointer:
			case name == "Secret", name == "OldSecrets", name == "Texts", name == "EventLifetime": // files; and OnPasswordReset is not set
			default:
				if flag := settings.FlagName(name); !f.Has(flag) {
					t.Errorf("Config.%s has no flag -%s", name, flag)
				}
			}
		}
	}
	fields("", reflect.TypeFor[identity.Config]())
}

// The library's defaults are those that help shows: a server without flags behaves like
// one with an empty Config.
func TestDefaultsAreTheLibrarys(t *testing.T) {
	t.Parallel()
	c := settings.Defaults()
	f := settings.New()
	f.Config(&c)
	if err := f.Parse(nil); err != nil {
		t.Fatal(err)
	}
	ignored := cmpopts.IgnoreFields(identity.Config{}, "Secret", "OldSecrets", "Logger", "Now", "OnPasswordReset", "Store", "SMS", "TestNumbers", "Guard", "Captcha", "Breached", "OnEvent", "Observer")
	if diff := cmp.Diff(identity.Config{}.WithDefaults(), c.WithDefaults(), ignored); diff != "" {
		t.Errorf("(-library +flags):\n%s", diff)
	}
	for flag, want := range map[string]string{
		"code-digits": "6", "code-lifetime": "5m", "send-cooldown": "1m", "sends-per-known-device": "3/10m,5/1h,10/24h", "failures-per-number": "78/24h", "failures-per-known-device": "10+1/2h",
		"password-strength": "3", "default-region": "CN", "hash-memory-kib": "19456", "event-retention": "9600h",
	} {
		if got := f.Default(flag); got != want {
			t.Errorf("help says that the default of -%s is %q, want %q", flag, got, want)
		}
	}
}

func TestSentenceNamesFlags(t *testing.T) {
	t.Parallel()
	c := settings.Defaults()
	c.CodeDigits, c.Limits.LiveCodes, c.Hash.MemoryKiB = 5, 11, 1
	got := settings.Sentence(settings.Check(c))
	want := "-code-digits is 5, must be 6 to 10; -live-codes is 11, must be 1 to 10; -hash-memory-kib is 1, must be 19456 to 1048576"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMobileSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for mobile, want := range map[string]string{
		"+44 7400 123456": "+44… is a number of GB; served regions: CN, HK (set -countries)",
		"+1 202 555 0123": "+1… is a number of US; served regions: CN, HK (set -countries)",
		"12":              `not a possible mobile number of region CN; write one of another region with "+" and its country code`,
	} {
		c := identity.Config{Countries: []string{"CN", "HK"}}
		if got := settings.Mobile(identity.ErrInvalidMobile, mobile, c).Error(); got != want {
			t.Errorf("%s: %q, want %q", mobile, got, want)
		}
	}
}
