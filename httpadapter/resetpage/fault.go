package resetpage

import (
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/seed-16109ab2/rekey/identity"
)

// Outcomes in the log.
const (
	outcomeDone    = "done"
	outcomeRefused = "refused"
	outcomeCaptcha = "captcha wanted"
	outcomeLimited = "limited"
	outcomeBusy    = "busy"
	outcomeFailure = "failure"
)

// judge turns an error of the service into the text that the page shows at the step
// whose form was sent. All refusals of the page are here.
func (v *visit) judge(err error, at step) (outcome string, f fault) {
	if err == nil {
		return outcomeDone, fault{}
	}
	if errors.Is(err, identity.ErrInvalidMobile) {
		return outcomeRefused, fault{Text: faultNumber, At: stepNumber, Field: fieldMobile}
	}
	if errors.Is(err, identity.ErrCodeRefused) {
		return outcomeRefused, fault{Text: faultCode, At: at, Field: fieldCode}
	}
	if v.h.cfg.Captcha != nil && (errors.Is(err, identity.ErrCaptchaMissing) ||
		errors.Is(err, identity.ErrCaptchaWrong) || errors.Is(err, identity.ErrCaptchaExpired)) {
		return outcomeCaptcha, fault{}
	}
	if e, ok := errors.AsType[*identity.PasswordError](err); ok {
		return outcomeRefused, passwordFault(e)
	}
	if e, ok := errors.AsType[*identity.RateLimitedError](err); ok {
		f := fault{Text: faultTooManySends, At: at, Until: v.now.Add(e.RetryAfter).UTC()}
		if at == stepCode {
			f.Text = atCode[f.Text]
		}
		return outcomeLimited, f
	}
	if e, ok := errors.AsType[*identity.BusyError](err); ok {
		return outcomeBusy, fault{Text: faultBusy, At: at, Until: v.now.Add(e.RetryAfter).UTC()}
	}
	return outcomeFailure, fault{Text: faultFailure, At: at}
}

// atCode replaces texts of the first step at the code step, which lacks the button for a
// person who has a code.
var atCode = map[string]string{faultTooManySends: faultTooManyGuesses}

func passwordFault(e *identity.PasswordError) fault {
	f := fault{Text: faultPasswordWeak, At: stepCode, Field: fieldPassword}
	switch e.Fault {
	case identity.PasswordLength:
		f.Text, f.Min, f.Max = faultPasswordLength, e.Min, e.Max
	case identity.PasswordContains:
		f.Text, f.Word = faultPasswordContains, bounded(e.Word, maxCode)
		if e.Word == "" {
			f.Text = faultPasswordNumber
		}
	case identity.PasswordReused:
		f.Text = faultPasswordReused
	}
	return f
}

// wait returns a duration as text, rounded up: a person who tries again a moment too
// early is refused again.
func (s *speaker) wait(lang int, d time.Duration) string {
	text, unit := textSeconds, time.Second
	switch {
	case d > 2*time.Hour:
		text, unit = textHours, time.Hour
	case d > 2*time.Minute:
		text, unit = textMinutes, time.Minute
	}
	n := max(int64((d+unit-1)/unit), 1)
	return replace(s.texts[lang][text], "{n}", strconv.FormatInt(n, 10))
}

// log records a form, and a failure of the server in addition. It gets no number, code or
// password, and errors of the service hold none.
func (v *visit) log(action string, at step, outcome string, err error) {
	ctx := v.r.Context()
	v.h.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "reset page",
		slog.String("action", action), slog.String("step", string(at)), slog.String("outcome", outcome),
		slog.String("client", v.h.cfg.ClientID), slog.String("address", v.h.cfg.Address(v.r).String()),
		slog.String("language", v.h.speaker.names[v.lang]))
	if outcome == outcomeFailure {
		v.h.cfg.Logger.LogAttrs(ctx, slog.LevelError, "reset page failed", slog.String("action", action), slog.Any("error", err))
	}
}
