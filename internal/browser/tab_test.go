package browser_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a tab of the browser. It records errors that occur in it.
type tab struct {
	context.Context
	t    *testing.T
	site *site

	mu       sync.Mutex
	requests []string
	faults   []string
}

// open opens a path in a tab that has its own cookies. It runs setups before the page
// is loaded.
func (s *site) open(path string, setups ...action) *tab {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(browserCtx, chromedp.WithNewBrowserContext())
	s.t.Cleanup(cancel)
	return s.tabAt(ctx, path, setups...)
}

// another opens a second tab that shares the cookies of the first.
func (tb *tab) another(path string) *tab {
	tb.t.Helper()
	ctx, cancel := chromedp.NewContext(tb.Context)
	tb.t.Cleanup(cancel)
	return tb.site.tabAt(ctx, path)
}

func (s *site) tabAt(ctx context.Context, path string, setups ...action) *tab {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	s.t.Cleanup(cancel)
	tb := &tab{Context: ctx, t: s.t, site: s}
	if err := chromedp.Listen(ctx, tb.watch); err != nil {
		s.t.Fatalf("browser: %v", err)
	}
	tb.run(call(network.Enable, network.EnableParams{}), call(cdplog.Enable, cdp.Empty{}), call(runtime.Enable, cdp.Empty{}),
		language("en-GB,en;q=0.9"))
	tb.run(setups...)
	tb.run(chromedp.Navigate(s.URL + path))
	s.t.Cleanup(tb.blameless)
	return tb
}

func (tb *tab) watch(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		tb.requests = append(tb.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		tb.faults = append(tb.faults, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		args := []string{}
		for _, a := range e.Args {
			args = append(args, string(a.Value)+a.Description)
		}
		tb.faults = append(tb.faults, fmt.Sprintf("console.%s: %s", e.Type, strings.Join(args, " ")))
	case *cdplog.EventEntryAdded:
		// The entries include refusals by the content security policy.
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			tb.faults = append(tb.faults, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	}
}

// blameless fails the test if the console has an entry, or the page requested another
// host.
func (tb *tab) blameless() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, f := range tb.faults {
		tb.t.Errorf("the browser complains: %s", f)
	}
	for _, r := range tb.requests {
		if !strings.HasPrefix(r, tb.site.URL+"/") && !strings.HasPrefix(r, "data:") {
			tb.t.Errorf("the page requested %s", r)
		}
	}
}

// forgive drops the entries so far, which the test provoked. An answer with status 400
// is one.
func (tb *tab) forgive() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.faults = nil
}

func (tb *tab) run(actions ...action) {
	tb.t.Helper()
	if err := chromedp.Do(tb.Context, actions...); err != nil {
		tb.t.Fatalf("browser: %v", err)
	}
}

// eval returns the value of an expression.
func eval[T any](tb *tab, expression string) T {
	tb.t.Helper()
	value, err := chromedp.Run(tb.Context, chromedp.Evaluate[T](expression))
	if err != nil {
		tb.t.Fatalf("browser: %s: %v", expression, err)
	}
	return value
}

// until waits until an expression is true.
func (tb *tab) until(expression string) {
	tb.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		// While the page changes, there may be no document to evaluate in.
		ok, err := chromedp.Run(tb.Context, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			page, _ := chromedp.Run(tb.Context, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
			tb.t.Fatalf("not true within %s: %s (%v)\n%s", patience, expression, err, page)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (tb *tab) at(step string) {
	tb.t.Helper()
	tb.until(fmt.Sprintf("document.readyState === 'complete' && document.body && document.body.dataset.step === %q", step))
}

func (tb *tab) text(selector string) string {
	tb.t.Helper()
	return eval[string](tb, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

func (tb *tab) value(selector string) string {
	tb.t.Helper()
	return eval[string](tb, fmt.Sprintf("document.querySelector(%q).value", selector))
}

// says waits until the element contains the text.
func (tb *tab) says(selector, text string) {
	tb.t.Helper()
	tb.until(fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '').includes(%q)", selector, text))
}

// fill replaces the text of an input by typing.
func (tb *tab) fill(selector, text string) {
	tb.t.Helper()
	tb.run(chromedp.Focus(chromedp.CSS(selector)), script(fmt.Sprintf("document.querySelector(%q).select()", selector)))
	if text == "" {
		text = kb.Backspace
	}
	tb.run(chromedp.KeyEvent(text))
}

func (tb *tab) click(selector string) {
	tb.t.Helper()
	tb.run(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// ask fills in and sends the first step.
func (tb *tab) ask(number string) {
	tb.t.Helper()
	tb.at("number")
	tb.fill("#mobile", number)
	tb.click("button[value=send]")
}

// set fills in and sends the second step.
func (tb *tab) set(code, password string) {
	tb.t.Helper()
	tb.at("code")
	tb.fill("#code", code)
	tb.fill("#password", password)
	tb.click("button[value=reset]")
}

// action is a step in the browser that returns nothing.
type action = chromedp.Action[chromedp.Void]

// call is one command of the browser's protocol whose answer is ignored.
func call[P, R any](command cdp.Command[P, R], params P) action {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, command, params)
		return err
	})
}

var withoutScript = call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})

func language(accept string) action {
	return call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": accept}})
}

func emulate(width, height int64, dark bool) action {
	scheme, scale := "light", 1.
	if width < 600 {
		scale = 2
	}
	if dark {
		scheme = "dark"
	}
	return chromedp.Steps(
		call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: scale, Mobile: width < 600,
		}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}),
	)
}

// expected drops entries that a test provoked, and fails unless at least that many exist.
func (tb *tab) expected(least int) {
	tb.t.Helper()
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if len(tb.faults) < least {
		tb.t.Errorf("the browser has only %d complaints: %s", len(tb.faults), tb.faults)
	}
	tb.faults = nil
	tb.requests = nil
}

// waitFault waits for an entry.
func (tb *tab) waitFault(text string) {
	tb.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		tb.mu.Lock()
		all := strings.Join(tb.faults, "\n")
		tb.mu.Unlock()
		if strings.Contains(all, text) {
			return
		}
	}
	tb.t.Errorf("the browser does not complain about %s", text)
}
