package storagetest_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
)

func valueFaults() []fault {
	// onTenants changes the tenant of everything that is written or asked for.
	onTenants := func(f func(string) string) func(*broken) {
		return func(b *broken) {
			b.createUser = func(ctx context.Context, u identity.User) error {
				u.Tenant = f(u.Tenant)
				return b.Store.CreateUser(ctx, u)
			}
			b.userByMobile = func(ctx context.Context, tenant, mobile string) (identity.User, error) {
				u, err := b.Store.UserByMobile(ctx, f(tenant), mobile)
				u.Tenant = tenant
				return u, err
			}
		}
	}
	onCreatedAt := func(f func(time.Time) time.Time) func(*broken) {
		return func(b *broken) {
			b.userByMobile = func(ctx context.Context, tenant, mobile string) (identity.User, error) {
				u, err := b.Store.UserByMobile(ctx, tenant, mobile)
				u.CreatedAt = f(u.CreatedAt)
				return u, err
			}
		}
	}
	onEvents := func(f func(*audit.Event)) func(*broken) {
		return func(b *broken) {
			b.appendEvent = func(ctx context.Context, e audit.Event, messages []outbox.Message) error {
				f(&e)
				return b.Store.AppendEvent(ctx, e, messages)
			}
		}
	}
	return []fault{
		{"case ignored", []string{"Strings/Tenants"}, onTenants(strings.ToLower)},
		{"trailing spaces ignored", []string{"Strings/Tenants"}, onTenants(func(s string) string { return strings.TrimRight(s, " ") })},
		{"accents composed", []string{"Strings/Tenants"}, onTenants(strings.NewReplacer("a\u0301", "\u00e1").Replace)},
		{"cut at 100 bytes", []string{"Strings/Tenants"}, onTenants(func(s string) string { return s[:min(len(s), 100)] })},
		{"emoji replaced", []string{"Strings/Tenants"}, onTenants(func(s string) string {
			return strings.Map(func(r rune) rune {
				if r > 0xffff {
					return '?'
				}
				return r
			}, s)
		})},
		{"numbers as quantities", []string{"Strings/Numbers"}, func(b *broken) {
			b.userByMobile = func(ctx context.Context, tenant, mobile string) (identity.User, error) {
				return b.Store.UserByMobile(ctx, tenant, "+"+strings.TrimLeft(mobile, "+0"))
			}
		}},
		{"ids without case", []string{"Strings/UserIDs"}, func(b *broken) {
			b.createUser = func(ctx context.Context, u identity.User) error {
				u.ID = strings.ToLower(u.ID)
				return b.Store.CreateUser(ctx, u)
			}
		}},
		{"client ids without case", []string{"Strings/Clients"}, func(b *broken) {
			b.createClient = func(ctx context.Context, cl identity.Client) error {
				cl.ID = strings.ToLower(cl.ID)
				return b.Store.CreateClient(ctx, cl)
			}
		}},
		{"quotes doubled", []string{"Strings/Events"}, onEvents(func(e *audit.Event) { e.Agent = strings.ReplaceAll(e.Agent, "'", "''") })},
		{"line breaks removed", []string{"Strings/Events"}, onEvents(func(e *audit.Event) { e.Device = strings.ReplaceAll(e.Device, "\n", " ") })},
		{"errors trimmed", []string{"Strings/Messages"}, func(b *broken) {
			b.finishMessages = func(ctx context.Context, results []outbox.Result) ([]string, error) {
				for i := range results {
					results[i].LastError = strings.TrimSpace(results[i].LastError)
				}
				return b.Store.FinishMessages(ctx, results)
			}
		}},
		{"digests without trailing zeros", []string{"Bytes/Digests"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Code.Digest = bytes.TrimRight(issue.Code.Digest, "\x00")
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"number keys as text without case", []string{"Bytes/Digests"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				issue.Code.NumberKey = bytes.ToUpper(issue.Code.NumberKey)
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"sealed text as UTF-8", []string{"Bytes/Sealed"}, func(b *broken) {
			b.appendEvent = func(ctx context.Context, e audit.Event, messages []outbox.Message) error {
				for i := range messages {
					messages[i].Sealed = bytes.ToValidUTF8(messages[i].Sealed, []byte("\ufffd"))
				}
				return b.Store.AppendEvent(ctx, e, messages)
			}
		}},
		{"results share the store's bytes", []string{"Bytes/Copies"}, func(b *broken) {
			var mu sync.Mutex
			shared := make(map[string][]byte)
			b.chargeAttempt = func(ctx context.Context, attempt identity.Attempt) (identity.ChargedAttempt, error) {
				charged, err := b.Store.ChargeAttempt(ctx, attempt)
				mu.Lock()
				defer mu.Unlock()
				for i, code := range charged.Codes {
					if shared[code.ID] == nil {
						shared[code.ID] = code.Digest
					}
					charged.Codes[i].Digest = shared[code.ID]
				}
				return charged, err
			}
		}},
		{"allow list shared with the caller", []string{"Bytes/Copies"}, func(b *broken) {
			var given []string
			b.createClient = func(ctx context.Context, cl identity.Client) error {
				given = cl.Tenants
				return b.Store.CreateClient(ctx, cl)
			}
			b.clientByID = func(ctx context.Context, id string) (identity.Client, error) {
				cl, err := b.Store.ClientByID(ctx, id)
				cl.Tenants = given
				return cl, err
			}
		}},
		{"times in another zone", []string{"Times/UserZones", "CreateUser/RoundTrip"}, onCreatedAt(func(t time.Time) time.Time {
			return t.In(time.FixedZone("", 3600))
		})},
		{"wall clock kept, zone dropped", []string{"Times/UserZones"}, func(b *broken) {
			b.createUser = func(ctx context.Context, u identity.User) error {
				t := u.CreatedAt
				u.CreatedAt = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
				return b.Store.CreateUser(ctx, u)
			}
		}},
		{"times in seconds", []string{"Times/UserMilliseconds", "CreateUser/RoundTrip"}, onCreatedAt(func(t time.Time) time.Time {
			return t.Truncate(time.Second)
		})},
		{"times rounded up", []string{"Times/UserMilliseconds"}, func(b *broken) {
			b.createUser = func(ctx context.Context, u identity.User) error {
				u.CreatedAt = u.CreatedAt.Round(time.Millisecond)
				return b.Store.CreateUser(ctx, u)
			}
		}},
		{"zero time as 1970", []string{"Times/UserRange", "CreateUser/RoundTrip"}, func(b *broken) {
			b.userByMobile = func(ctx context.Context, tenant, mobile string) (identity.User, error) {
				u, err := b.Store.UserByMobile(ctx, tenant, mobile)
				if u.VerifiedAt.IsZero() {
					u.VerifiedAt = time.Unix(0, 0).UTC()
				}
				return u, err
			}
		}},
		{"times in nanoseconds of 64 bits", []string{"Times/UserRange"}, onCreatedAt(func(t time.Time) time.Time {
			return time.Unix(0, t.UnixNano()).UTC()
		})},
		{"times in seconds of 32 bits", []string{"Times/Range"}, onEvents(func(e *audit.Event) {
			if !e.At.IsZero() {
				e.At = time.Unix(int64(int32(e.At.Unix())), int64(e.At.Nanosecond()))
			}
		})},
		{"expiry of the wall clock", []string{"Times/Zones"}, func(b *broken) {
			b.issueCode = func(ctx context.Context, issue identity.CodeIssue) ([]limit.Spent, error) {
				t := issue.Code.ExpiresAt
				issue.Code.ExpiresAt = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
				return b.Store.IssueCode(ctx, issue)
			}
		}},
		{"event times rounded up", []string{"Times/Milliseconds"}, onEvents(func(e *audit.Event) { e.At = e.At.Round(time.Millisecond) })},
	}
}
