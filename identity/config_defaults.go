package identity

import (
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
)

// WithDefaults returns a copy of c with the default for each optional field that is zero.
// The copy shares no slice and no map with c. [New] calls it.
func (c Config) WithDefaults() Config {
	c.clone()
	c.fill()
	return c
}

// fill sets the defaults.
func (c *Config) fill() {
	def(&c.DefaultRegion, "CN")
	if len(c.Countries) == 0 {
		c.Countries = []string{c.DefaultRegion}
	}
	def(&c.CodeDigits, 6)
	def(&c.CodeLifetime, 5*time.Minute)
	c.Limits.fill()
	c.Budget.fill()
	def(&c.CaptchaMode, CaptchaAlways)
	if len(c.Purposes) == 0 {
		c.Purposes = []Purpose{PurposeForgotPassword}
	}
	if len(c.EventTypes) == 0 {
		c.EventTypes = []audit.Type{audit.PasswordReset, audit.UserLocked, audit.LimitAlarm}
	}
	def(&c.Password.Min, 8)
	def(&c.Password.Max, 256)
	def(&c.Password.Strength, 3)
	def(&c.Hash.MemoryKiB, minHash.MemoryKiB)
	def(&c.Hash.Iterations, minHash.Iterations)
	def(&c.Hash.Parallelism, minHash.Parallelism)
	def(&c.HashConcurrency, runtime.GOMAXPROCS(0))
	def(&c.HashQueue, 1024*c.HashConcurrency)
	def(&c.HashWait, 5*time.Second)
	def(&c.StorageTimeout, 5*time.Second)
	def(&c.StorageWait, time.Second)
	def(&c.HookTimeout, 5*time.Second)
	def(&c.DefaultLanguage, "en")
	def(&c.SendTimeout, 10*time.Second)
	def(&c.SendConcurrency, 64)
	def(&c.NoticeLifetime, 24*time.Hour)
	def(&c.EventLifetime, 7*24*time.Hour)
	def(&c.AnswerStep, 10*time.Millisecond)
	def(&c.MessageRetention, 7*24*time.Hour)
	def(&c.EventRetention, 400*24*time.Hour)
	if c.Texts == nil {
		c.Texts = DefaultTexts()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// clone copies the slices and maps that the caller could change.
func (c *Config) clone() {
	c.OldSecrets = slices.Clone(c.OldSecrets)
	c.TestNumbers = slices.Clone(c.TestNumbers)
	c.Countries = slices.Clone(c.Countries)
	c.Password.Words = slices.Clone(c.Password.Words)
	c.Purposes = slices.Clone(c.Purposes)
	c.EventTypes = slices.Clone(c.EventTypes)
	c.Limits.clone()
	c.Budget.clone()
	c.Texts = c.Texts.clone()
}

// minHash are the default and minimum costs of argon2id (OWASP Password Storage).
var minHash = HashParams{MemoryKiB: 19_456, Iterations: 2, Parallelism: 1}
