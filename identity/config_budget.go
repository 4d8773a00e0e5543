package identity

import (
	"maps"
	"slices"
	"time"

	"github.com/seed-16109ab2/rekey/identity/limit"
)

// BudgetPolicy caps what SMS may cost. [Service.Run] charges it when it hands a message to
// the provider. So numbers without a user cost nothing, and no answer to a caller depends
// on it. A message that a budget refuses is not sent; the audit trail has an
// [audit.SendRefused], and an [audit.LimitAlarm] is raised. A nil or zero field takes its
// default. To lift a cap, set it to a rate that is never reached.
type BudgetPolicy struct {
	// Total caps all messages. Default 1,000 / h. Set it to what you can afford.
	Total []limit.Rate
	// PerTenant and PerClient cap the messages of one tenant and of one client.
	// Default 1,000 / h each.
	PerTenant, PerClient []limit.Rate
	// PerRegion caps the messages to numbers of a region, by its ISO code. Default
	// none beyond Total.
	PerRegion map[string][]limit.Rate
	// PerPrefix caps the messages to numbers that share all but their last four digits,
	// because attackers steal budgets with adjacent numbers. Default 100 / h.
	PerPrefix []limit.Rate
	// Alarm raises an [audit.LimitAlarm] once per window while at least this many messages
	// were charged. Default 80 % of the first rate of Total.
	Alarm limit.Rate

	// Unredeemed says what to do about numbers and networks whose codes are hardly ever
	// redeemed. Default [limit.Record].
	Unredeemed limit.Mode
	// UnredeemedPerPrefix and UnredeemedPerNetwork limit the codes that are sent and not
	// redeemed: to numbers that share all but their last four digits (default 30 / 24 h),
	// and by request from one network (default 60 / 24 h).
	UnredeemedPerPrefix, UnredeemedPerNetwork []limit.Rate
	// UnredeemedPerRegion is how many codes to numbers of a region may be sent and not
	// redeemed before an [audit.LimitAlarm] is raised. It never refuses a message. Default
	// 300 / 24 h.
	UnredeemedPerRegion []limit.Rate
}

func (b *BudgetPolicy) fill() {
	rates := func(field *[]limit.Rate, n int, per time.Duration) {
		if len(*field) == 0 {
			*field = []limit.Rate{{Limit: n, Per: per}}
		}
	}
	rates(&b.Total, 1000, time.Hour)
	rates(&b.PerTenant, 1000, time.Hour)
	rates(&b.PerClient, 1000, time.Hour)
	rates(&b.PerPrefix, 100, time.Hour)
	def(&b.Alarm, limit.Rate{Limit: max(b.Total[0].Limit*4/5, 1), Per: b.Total[0].Per})
	def(&b.Unredeemed, limit.Record)
	rates(&b.UnredeemedPerPrefix, 30, 24*time.Hour)
	rates(&b.UnredeemedPerNetwork, 60, 24*time.Hour)
	rates(&b.UnredeemedPerRegion, 300, 24*time.Hour)
}

func (b *BudgetPolicy) rateFields() map[string]*[]limit.Rate {
	return map[string]*[]limit.Rate{
		"Total": &b.Total, "PerTenant": &b.PerTenant, "PerClient": &b.PerClient, "PerPrefix": &b.PerPrefix,
		"UnredeemedPerPrefix": &b.UnredeemedPerPrefix, "UnredeemedPerNetwork": &b.UnredeemedPerNetwork,
		"UnredeemedPerRegion": &b.UnredeemedPerRegion,
	}
}

func (b *BudgetPolicy) faults(fault func(bad bool, field, format string, args ...any), countries []string) {
	fields := b.rateFields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		rateFaults(fault, "Budget."+name, *fields[name])
	}
	rateFaults(fault, "Budget.Alarm", []limit.Rate{b.Alarm})
	for _, region := range slices.Sorted(maps.Keys(b.PerRegion)) {
		rateFaults(fault, "Budget.PerRegion["+region+"]", b.PerRegion[region])
		fault(!slices.Contains(countries, region), "Budget.PerRegion", "contains the region %q, whose numbers are not served", region)
	}
	fault(!slices.Contains([]limit.Mode{limit.Record, limit.Enforce, limit.Off}, b.Unredeemed),
		"Budget.Unredeemed", "is %q, must be %q, %q or %q", b.Unredeemed, limit.Record, limit.Enforce, limit.Off)
}

func (b *BudgetPolicy) clone() {
	for _, field := range b.rateFields() {
		*field = slices.Clone(*field)
	}
	regions := make(map[string][]limit.Rate, len(b.PerRegion))
	for region, rates := range b.PerRegion {
		regions[region] = slices.Clone(rates)
	}
	b.PerRegion = regions
}
