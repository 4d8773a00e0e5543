package identitytest

import (
	"reflect"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/limit"
)

// Lift sets all limits and budgets of a configuration to a size that no test reaches. Set
// the limits that a test is about afterwards.
func Lift(c *identity.Config) {
	lift(reflect.ValueOf(&c.Limits).Elem())
	lift(reflect.ValueOf(&c.Budget).Elem())
	c.Limits.SendCooldown = -1
}

func lift(fields reflect.Value) {
	for i := range fields.NumField() {
		switch field := fields.Field(i).Addr().Interface().(type) {
		case *[]limit.Rate:
			*field = []limit.Rate{{Limit: 1_000_000_000, Per: time.Hour}}
		case *limit.Rate:
			*field = limit.Rate{Limit: 1_000_000_000, Per: time.Hour}
		case *limit.Bucket:
			*field = limit.Bucket{Burst: 1_000_000, Every: time.Millisecond}
		}
	}
}
