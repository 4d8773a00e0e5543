package identity_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// fields returns the fields that the faults of a configuration name, in order.
func fields(t *testing.T, err error) (names []string) {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v is not of errors.Join", err)
	}
	for _, err := range joined.Unwrap() {
		fault, ok := errors.AsType[*identity.FieldError](err)
		if !ok {
			t.Fatalf("%v names no field", err)
		}
		if fault.Problem == "" || !strings.Contains(err.Error(), fault.Field+" "+fault.Problem) {
			t.Errorf("%q does not say %q of %s", err, fault.Problem, fault.Field)
		}
		names = append(names, fault.Field)
	}
	return names
}

// A program with its own settings translates a field's name into the name of its
// setting.
func TestValidateNamesEachField(t *testing.T) {
	t.Parallel()
	for want, set := range map[string]func(*identity.Config){
		"Store":                  func(c *identity.Config) { c.Store = nil },
		"SMS":                    func(c *identity.Config) { c.SMS = nil },
		"Secret":                 func(c *identity.Config) { c.Secret = identity.NewSecret("short") },
		"OldSecrets[1]":          func(c *identity.Config) { c.OldSecrets = []identity.Secret{c.Secret, {}} },
		"DefaultRegion":          func(c *identity.Config) { c.DefaultRegion = "XX" },
		"EventTypes":             func(c *identity.Config) { c.EventTypes = []audit.Type{audit.PasswordReset, "password.rest"} },
		"Countries":              func(c *identity.Config) { c.Countries = []string{"CN", "cn"} },
		"CodeDigits":             func(c *identity.Config) { c.CodeDigits = 11 },
		"CodeLifetime":           func(c *identity.Config) { c.CodeLifetime = time.Millisecond },
		"Limits.CodeAttempts":    func(c *identity.Config) { c.Limits.CodeAttempts = -1 },
		"Limits.SendsPerNetwork": func(c *identity.Config) { c.Limits.SendsPerNetwork = []limit.Rate{{Limit: 1}} },
		"Budget.PerRegion":       func(c *identity.Config) { c.Budget.PerRegion = map[string][]limit.Rate{"US": nil} },
		"Password.Max":           func(c *identity.Config) { c.Password.Max = 63 },
		"Password.Strength":      func(c *identity.Config) { c.Password.Strength = 5 },
		"Password.Words":         func(c *identity.Config) { c.Password.Words = []string{"ab"} },
		"Hash.MemoryKiB":         func(c *identity.Config) { c.Hash.MemoryKiB = 1 },
		"Hash.Parallelism":       func(c *identity.Config) { c.Hash.Parallelism = 17 },
		"HashConcurrency":        func(c *identity.Config) { c.HashConcurrency = -1; c.HashQueue = 1 },
		"HashQueue":              func(c *identity.Config) { c.HashQueue = -2 },
		"SendConcurrency":        func(c *identity.Config) { c.SendConcurrency = 1025 },
		"SendTimeout":            func(c *identity.Config) { c.SendTimeout = -time.Second },
		"NoticeLifetime":         func(c *identity.Config) { c.NoticeLifetime = 1 },
		"DefaultLanguage":        func(c *identity.Config) { c.DefaultLanguage = "de" },
		"ServiceName":            func(c *identity.Config) { c.ServiceName = "a\nb" },
		"SupportContact":         func(c *identity.Config) { c.SupportContact = "\u202e" },
		"Texts[en].Contact":      func(c *identity.Config) { c.Texts = english(""); withoutContact(c.Texts, "en") },
		"OriginDomain":           func(c *identity.Config) { c.OriginDomain = "https://example.com" },
		"AndroidAppHash":         func(c *identity.Config) { c.OriginDomain, c.AndroidAppHash = "example.com", "FA+9qCX9VSu" },
		"Texts[en].Prefix":       func(c *identity.Config) { c.Texts = english("{x}") },
		"Texts[not a language]":  func(c *identity.Config) { c.Texts = english(""); c.Texts["not a language"] = c.Texts["en"] },
		"Texts[en].Code[]":       func(c *identity.Config) { c.Texts = english(""); c.Texts["en"].Code[""] = "no code" },
		"Texts[en].Code":         func(c *identity.Config) { c.Texts = english(""); delete(c.Texts["en"].Code, "") },
		"Texts[fr].PasswordChanged": func(c *identity.Config) {
			c.Texts = english("")
			c.Texts["fr"] = identity.Templates{Code: c.Texts["en"].Code}
		},
		"Limits.LoginsPerKnownDevice": func(c *identity.Config) {
			c.Limits.LoginsPerKnownDevice = limit.Bucket{Burst: 1_000_001, Every: time.Second}
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c := good()
			set(&c)
			err := c.Validate()
			if err == nil {
				t.Fatal("accepted")
			}
			if got := fields(t, err); !slices.Equal(got, []string{want}) {
				t.Errorf("the faults are of %q", got)
			}
			if _, newErr := identity.New(c); newErr == nil || newErr.Error() != err.Error() {
				t.Errorf("New says %v, Validate %v", newErr, err)
			}
		})
	}
}

func english(prefix string) identity.Texts {
	en := identity.DefaultTexts()["en"]
	en.Prefix = prefix
	return identity.Texts{"en": en}
}

func withoutContact(t identity.Texts, lang string) {
	m := t[lang]
	m.Contact = ""
	t[lang] = m
}

func TestValidateAcceptsDefaults(t *testing.T) {
	t.Parallel()
	if err := good().Validate(); err != nil {
		t.Error(err)
	}
	if err := good().WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
}

func TestWithDefaultsIsACopy(t *testing.T) {
	t.Parallel()
	c := good()
	c.Countries = []string{"CN"}
	c.Budget.PerRegion = map[string][]limit.Rate{"CN": {{Limit: 1, Per: time.Hour}}}
	d := c.WithDefaults()
	if c.CodeDigits != 0 || d.CodeDigits != 6 || d.CodeLifetime != 5*time.Minute {
		t.Errorf("%d digits became %d, for %s", c.CodeDigits, d.CodeDigits, d.CodeLifetime)
	}
	d.Countries[0] = "US"
	d.Budget.PerRegion["CN"][0].Limit = 2
	if c.Countries[0] != "CN" || c.Budget.PerRegion["CN"][0].Limit != 1 {
		t.Error("the copy shares memory with the original")
	}
	// Fields that are set keep their values, also -1, which switches a feature off.
	c.Password.Strength, c.AnswerStep = -1, -1
	if d := c.WithDefaults(); d.Password.Strength != -1 || d.AnswerStep != -1 {
		t.Errorf("Strength %d, AnswerStep %d", d.Password.Strength, d.AnswerStep)
	}
	c.Now, d.Now = nil, nil // functions do not compare
	twice := d.WithDefaults()
	twice.Now = nil
	if !reflect.DeepEqual(twice, d) {
		t.Error("defaults of defaults differ")
	}
}
