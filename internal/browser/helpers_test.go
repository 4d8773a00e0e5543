package browser_test

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/identitytest"
)

// generous lets tests send as often as they like.
func generous(c *identity.Config) { identitytest.Lift(c) }

// wrong returns a different code of the same length.
func wrong(code string) string {
	last := code[len(code)-1]
	return code[:len(code)-1] + string('0'+(last-'0'+1)%10)
}

// onlyPath reports whether a URL of the page contains only the paths of its steps and
// files, and the language.
func onlyPath(url, base string) bool {
	return pageURL.MatchString(strings.TrimPrefix(url, base))
}

var pageURL = regexp.MustCompile(`^(data:.*|/reset-password(/(code|check|done)|/assets/[a-z]+\.[0-9a-f]{16}\.[a-z]+)?(\?lang=[a-z]+)?)$`)

func quote(s string) string { return strconv.Quote(s) }

// insert inserts text at the focus, like pasting.
func insert(text string) action {
	return call(input.InsertText, input.InsertTextParams{Text: text})
}

// asked returns the URLs that the tab has requested.
func (tb *tab) asked() []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return slices.Clone(tb.requests)
}

// await returns the result of a promise.
func await[T any](tb *tab, expression string) T {
	tb.t.Helper()
	value, err := chromedp.Run(tb.Context, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("browser: %v", err)
	}
	return value
}

// script runs a script in the page and ignores its result.
func script(source string) action {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](source+"\n; true"))
		return err
	})
}
