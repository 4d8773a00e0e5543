package resetpage

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// The forms' buttons.
const (
	actionSend   = "send"   // send a code; at the code step, send another code
	actionHave   = "have"   // the person already has a code
	actionReset  = "reset"  // set the password
	actionSolved = "solved" // the challenge is solved
)

// post reads a form, does what it asks for, and redirects to the next step.
func (v *visit) post(at step) {
	if err := v.h.origin.Check(v.r); err != nil {
		v.log("form", at, "foreign", nil)
		v.notice(http.StatusForbidden, noticeForeignTitle, noticeForeign)
		return
	}
	form, status := v.readForm()
	if status != 0 {
		v.notice(status, noticeUnreadTitle, noticeUnread)
		return
	}
	if v.device == "" {
		v.notice(http.StatusBadRequest, noticeCookiesTitle, noticeCookies)
		return
	}
	v.load()
	v.state.Fault = nil
	action := form.Get(fieldAction)
	switch {
	case at == stepNumber && (action == actionSend || action == actionHave):
		v.postNumber(form, action)
	case at == stepNumber:
		v.notice(http.StatusBadRequest, noticeUnreadTitle, noticeUnread)
	case v.state.Flow == "":
		v.fail(fault{Text: faultExpired, At: stepNumber})
	case form.Get(fieldFlow) == v.state.Flow && at == stepCheck && v.state.Step == stepCode && v.state.Sent:
		redirect(v.w, v.h.path(stepCode)) // the form was sent twice
	case form.Get(fieldFlow) != v.state.Flow, at != v.state.Step && v.state.Step != stepDone:
		v.fail(fault{Text: faultOtherTab, At: v.state.Step})
	case v.state.Step == stepDone:
		redirect(v.w, v.h.path(stepDone)) // the form was sent twice
	case at == stepCode && action == actionReset:
		v.postReset(form)
	case at == stepCode && action == actionSend:
		v.send(at, v.state, "")
	case at == stepCheck && action == actionSolved:
		v.send(at, v.state, form.Get(fieldCaptcha))
	default:
		v.notice(http.StatusBadRequest, noticeUnreadTitle, noticeUnread)
	}
}

func (v *visit) postNumber(form url.Values, action string) {
	typed := strings.TrimSpace(bounded(form.Get(fieldMobile), maxNumber))
	region := form.Get(fieldCountry)
	if !slices.Contains(v.h.cfg.Countries, region) {
		region = v.h.cfg.DefaultRegion
	}
	v.state.Number, v.state.Country = typed, region
	if typed == "" {
		v.fail(fault{Text: faultNumberBlank, At: stepNumber, Field: fieldMobile})
		return
	}
	mobile, _ := canonical(typed, region)
	next := state{Number: typed, Country: region, Flow: rand.Text(), Step: stepCode, Mobile: mobile, Username: typed}
	if action == actionHave {
		v.state = next
		v.leave(stepCode)
		return
	}
	v.send(stepNumber, next, "")
}

// send asks for a code and goes on with next.
func (v *visit) send(at step, next state, token string) {
	start := v.now
	err := v.once(sendRemembered, func(ctx context.Context) error {
		return v.h.service.SendVerifyCode(ctx, identity.SendRequest{
			Caller: v.caller(), Mobile: next.Mobile, Purpose: identity.PurposeForgotPassword, CaptchaToken: token,
		})
	}, "send", string(at), next.Mobile, token)
	outcome, f := v.judge(err, at)
	v.log("send", at, outcome, err)
	limit, limited := errors.AsType[*identity.RateLimitedError](err)
	switch {
	case err == nil:
		next.Step, next.Sent, next.ResendAt = stepCode, true, start.Add(v.h.cfg.ResendAfter).UTC().Truncate(time.Second)
		next.Code = ""
		if at == stepCode {
			next.Fault = &fault{Text: faultResent, At: stepCode}
		}
		v.state = next
		// Renew the cookie, so that a browser in use keeps its id.
		v.h.setCookie(v.w, cookieDevice, v.device, deviceLifetime)
		v.leave(stepCode)
	case outcome == outcomeCaptcha:
		next.Step = stepCheck
		v.state = next
		if token != "" {
			v.fail(fault{Text: faultCheck, At: stepCheck})
			return
		}
		v.leave(stepCheck)
	default:
		switch {
		case at == stepCheck && !next.Sent:
			f.At = stepNumber // the step to try again from
		case at == stepCheck:
			v.state.Step, f.At, f.Text = stepCode, stepCode, cmp.Or(atCode[f.Text], f.Text)
		}
		if limited && f.At == stepCode {
			v.state.ResendAt = v.now.Add(limit.RetryAfter).UTC()
		}
		v.fail(f)
	}
}

func (v *visit) postReset(form url.Values) {
	code, password := plainCode(form.Get(fieldCode)), form.Get(fieldPassword)
	v.state.Code = bounded(code, maxCode)
	switch {
	case code == "":
		v.fail(fault{Text: faultCodeBlank, At: stepCode, Field: fieldCode})
		return
	case password == "":
		v.fail(fault{Text: faultPasswordBlank, At: stepCode, Field: fieldPassword})
		return
	}
	err := v.once(resetRemembered, func(ctx context.Context) error {
		return v.h.service.ResetByMobile(ctx, identity.ResetRequest{
			Caller: v.caller(), Mobile: v.state.Mobile, Code: identity.NewSecret(code), Password: identity.NewSecret(password),
		})
	}, "reset", v.state.Flow, code, password)
	outcome, f := v.judge(err, stepCode)
	v.log("reset", stepCode, outcome, err)
	if err != nil {
		v.fail(f)
		return
	}
	v.state = state{Flow: v.state.Flow, Step: stepDone}
	v.leave(stepDone)
}

// once does the work of a form that this browser may send twice. The work goes on if the
// browser leaves, because a double click cancels the first of its two posts. The service
// bounds the time of each step.
func (v *visit) once(remembered time.Duration, work func(context.Context) error, form ...string) error {
	ctx := context.WithoutCancel(v.r.Context())
	return v.h.twice.do(v.r.Context(), v.now, remembered, func() error { return work(ctx) }, append(form, v.tenant, v.device)...)
}

func (v *visit) caller() identity.Caller {
	return identity.Caller{
		ClientID: v.h.cfg.ClientID, TenantID: v.tenant, Device: v.device, Address: v.h.cfg.Address(v.r),
		Agent: bounded(strings.ToValidUTF8(v.r.UserAgent(), ""), 256), Language: v.h.speaker.names[v.lang],
	}
}

// fail makes the next page show a fault.
func (v *visit) fail(f fault) {
	v.state.Fault = &f
	v.leave(f.At)
}

// leave saves the state and redirects to a step.
func (v *visit) leave(to step) {
	if err := v.save(); err != nil {
		v.log("save", to, outcomeFailure, err)
		v.notice(http.StatusInternalServerError, noticeFailureTitle, faultFailure)
		return
	}
	redirect(v.w, v.h.path(to))
}
