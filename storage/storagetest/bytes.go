package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// digests returns 32-byte strings that are confused or refused by text columns, by
// padding or by comparisons of prefixes.
func digests() [][]byte {
	fill := func(b, last byte) []byte {
		d := []byte(strings.Repeat(string([]byte{b}), 32))
		d[31] = last
		return d
	}
	all := [][]byte{fill(0, 0), fill(0, 1), fill(0, ' '), fill(' ', ' '), fill(' ', 0), fill(0xff, 0xff), fill(0xff, 0), fill('a', 'a'), fill('A', 'A'), fill('a', 0), fill('a', ' ')}
	for start := 0; start < 256; start += 32 {
		d := make([]byte, 32)
		for i := range d {
			d[i] = byte(start + i)
		}
		all = append(all, d)
	}
	return all
}

func byteCases() []Case {
	return []Case{
		{"Bytes/Digests", "digests contain any byte: a store that pads, trims or decodes them mixes up codes", func(c *check) {
			var codes []identity.VerifyCode
			for _, d := range digests() {
				code := c.code(number, phone)
				code.Binding, code.NumberKey, code.Digest = d, d, d
				codes = append(codes, c.issue(code))
			}
			for i, code := range codes {
				codes[i].Attempts = 1
				c.equal(fmt.Sprintf("the codes of binding %x", code.Binding), c.charge(code, c.now), codes[i:i+1])
			}
			r := c.redemption(codes[0], identity.User{}, "")
			r.Password = nil
			c.ok("RedeemCode", c.RedeemCode(c.ctx, r))
			for _, code := range codes[1:] {
				c.wantLive(fmt.Sprintf("number key %x after the use of %x", code.NumberKey, codes[0].NumberKey), code, r.Now, code)
			}
		}},
		{"Bytes/Sealed", "a sealed text with one changed bit cannot be opened, and the person never gets the message", func(c *check) {
			long := make([]byte, 8192)
			for i := range long {
				long[i] = byte(i ^ i>>8)
			}
			for _, sealed := range append(digests(), long, []byte{0}) {
				m := c.message()
				m.Sealed = sealed
				c.enqueue(m)
				leased := c.lease("token", c.now)
				c.equal("the messages leased", messageIDs(leased), []string{m.ID})
				c.equal("the sealed text", leased[0].Sealed, sealed)
			}
		}},
		{"Bytes/Copies", "a caller may reuse its slices, and changing a result must not change the store", func(c *check) {
			spoil := func(slices ...[]byte) {
				for _, b := range slices {
					clear(b)
				}
			}
			code := c.code(number, phone)
			given := code
			given.Binding, given.NumberKey, given.Digest = digest("b"), digest("n"), digest("d")
			code.Binding, code.NumberKey, code.Digest = digest("b"), digest("n"), digest("d")
			issue := c.issueOf(given)
			issue.Messages[0].Sealed = digest("s")
			_, err := c.IssueCode(c.ctx, issue)
			c.ok("IssueCode", err)
			spoil(given.Binding, given.NumberKey, given.Digest, issue.Messages[0].Sealed)
			for i := range 2 {
				code.Attempts = i + 1
				got := c.charge(code, c.now)
				c.equal("the stored code", got, []identity.VerifyCode{code})
				spoil(got[0].Binding, got[0].NumberKey, got[0].Digest)
			}
			for i := range 2 {
				leased := c.lease(fmt.Sprint(i), c.now.Add(time.Duration(i)*time.Hour))
				c.equal("the sealed text", leased[0].Sealed, digest("s"))
				spoil(leased[0].Sealed)
			}
			client := identity.Client{ID: "isv", MultiTenant: true, Tenants: []string{"acme"}}
			c.ok("CreateClient", c.CreateClient(c.ctx, client))
			client.Tenants[0] = "globex"
			for range 2 {
				got, err := c.ClientByID(c.ctx, "isv")
				c.ok("ClientByID", err)
				c.equal("the allow list", got.Tenants, []string{"acme"})
				got.Tenants[0] = "globex"
			}
			l := perHour(anyKey, 1)
			spoil(c.spend(c.now, l)[0].State)
			c.wantRoom("after one event of one", l, c.now, 0)
		}},
	}
}
