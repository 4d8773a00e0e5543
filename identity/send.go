package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"time"

	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/identity/internal/mobile"
	"github.com/seed-16109ab2/rekey/identity/limit"
	"github.com/seed-16109ab2/rekey/identity/outbox"
	"github.com/seed-16109ab2/rekey/sms"
)

// SendVerifyCode makes a verification code for a number and queues its SMS,
// which [Service.Run] delivers. It ends a code that the same device asked for before
// with the same purpose.
//
// A nil error says nothing about whether the number has a user: for a number
// that may get no code, the same steps are taken with a code that matches nothing
// and a message that is never sent.
//
// Errors: [ErrUnknownPurpose] for a purpose that [Config.Purposes] does not list,
// [ErrClientMissing], [ErrDeviceMissing], [ErrClientNotFound],
// [ErrClientDisabled], [ErrTenantMissing], [ErrInvalidMobile],
// [ErrCaptchaMissing], [ErrCaptchaWrong], [ErrCaptchaExpired],
// [*RateLimitedError], [*BusyError]; anything else is a failure of storage or a
// [*HookError].
func (s *Service) SendVerifyCode(ctx context.Context, r SendRequest) error {
	start := time.Now()
	err := s.sendVerifyCode(ctx, r)
	if _, limited := errors.AsType[*RateLimitedError](err); err == nil || limited {
		s.level(ctx, start)
	}
	return err
}

func (s *Service) sendVerifyCode(ctx context.Context, r SendRequest) error {
	now := s.now()
	if !s.serves(r.Purpose) {
		return ErrUnknownPurpose
	}
	turn, err := s.admitSend(ctx, r.Purpose)
	if err != nil {
		return err
	}
	defer turn.leave()
	var sc scope
	var number mobile.Number
	if err := turn.do(ctx, func() (err error) {
		if sc, err = s.scope(ctx, r.Caller); err != nil {
			return err
		}
		if number, err = s.parse(r.Mobile); err != nil {
			return err
		}
		return s.backlogged(ctx)
	}); err != nil {
		return err
	}
	who := s.subject(sc, r.Caller, number)
	charges := []limit.Limit{s.meter.numberSends(who), s.meter.networkSends(who)}
	if err := s.captcha(ctx, r, who); err != nil {
		return err
	}
	return turn.do(ctx, func() error { return s.send(ctx, now, r, who, sc, charges) })
}

// send makes the code and queues its message.
func (s *Service) send(ctx context.Context, now time.Time, r SendRequest, who subject, sc scope, charges []limit.Limit) error {
	number := who.number
	user, found, err := s.user(ctx, sc.tenant, number)
	if err != nil {
		return err
	}
	issue, err := s.issue(now, r, sc, number, user, ineligible(sc, r.Purpose, user, found))
	if err != nil {
		return err
	}
	issue.Charges = charges
	if s.cfg.Captcha != nil && s.cfg.CaptchaMode == CaptchaOnSuspicion {
		for _, l := range s.meter.suspicion(who) {
			issue.Charges = append(issue.Charges, counted(l))
		}
	}
	callCtx, cancel := s.deadline(ctx)
	defer cancel()
	if _, err := s.store.IssueCode(callCtx, issue); err != nil {
		err = s.limited(ctx, err, "issue code")
		if _, limited := errors.AsType[*RateLimitedError](err); limited && r.CaptchaToken != "" && s.cfg.Captcha != nil {
			return s.refusal(ctx, s.meter.networkRefusals(who), err) // its CAPTCHA took work
		}
		return err
	}
	s.observeEvent(issue.Event, "")
	s.relay.wake(issue.Messages[0].Lane)
	return nil
}

// captcha asks for a CAPTCHA if one is wanted. It looks at the limits first, so that
// a request that they refuse costs no verification.
func (s *Service) captcha(ctx context.Context, r SendRequest, who subject) error {
	if s.cfg.Captcha == nil {
		return nil
	}
	refusals := s.meter.networkRefusals(who)
	usage, err := s.look(ctx, refusals, s.meter.networkSends(who))
	if err != nil {
		return err
	}
	if s.cfg.CaptchaMode == CaptchaOnSuspicion && usage < suspicious {
		if usage, err = s.usage(ctx, append(s.meter.suspicion(who), s.meter.numberSends(who))...); err != nil || usage < suspicious {
			return err
		}
	}
	if r.CaptchaToken == "" {
		return ErrCaptchaMissing
	}
	err = act(ctx, s.hooks.captcha, func(ctx context.Context) error {
		return s.cfg.Captcha.VerifyCaptcha(ctx, CaptchaRequest{Token: r.CaptchaToken, Mobile: who.number.E164(), Purpose: r.Purpose, Caller: r.Caller})
	})
	switch {
	case errors.Is(err, ErrCaptchaWrong), errors.Is(err, ErrCaptchaExpired):
		return s.refusal(ctx, refusals, err)
	case err != nil:
		return s.hookFailed(ctx, s.hooks.captcha, err)
	}
	return nil
}

// suspicious is the used share of a limit from which CaptchaOnSuspicion asks.
const suspicious = 0.5

// refusal counts a refusal that took work. It returns that refusal, or the limit's if
// the limit refuses.
func (s *Service) refusal(ctx context.Context, refusals limit.Limit, refused error) error {
	if _, err := s.spend(ctx, []limit.Limit{refusals}, s.now()); err != nil {
		return s.limited(ctx, err, "count refusal")
	}
	return refused
}

// issue prepares the code and its message. If refused, the reason why nothing may be
// sent, is not empty, the code matches nothing and the message is a decoy.
func (s *Service) issue(now time.Time, r SendRequest, sc scope, number mobile.Number, user User, refused string) (CodeIssue, error) {
	code, err := s.newCode()
	if err != nil {
		return CodeIssue{}, err
	}
	code, outcome, refused := s.testCode(now, number, user, code, refused)
	event, err := s.trail.event(now, audit.CodeSent, sc, r.Caller, r.Purpose, number)
	if err != nil {
		return CodeIssue{}, err
	}
	codeID, err := s.ids.next()
	if err != nil {
		return CodeIssue{}, err
	}
	binding := s.binding(sc, r.Caller, r.Purpose, number)
	digest, keyID := s.keys.Digest(digestFields(binding, code, user)...)
	expires := now.Add(s.cfg.CodeLifetime)

	lang := s.writer.language(r.Language)
	params := map[string]string{
		"code":    code,
		"minutes": strconv.Itoa(minutes(s.cfg.CodeLifetime)),
	}
	caller := r.Caller
	caller.Device = claim(r.Device) // a guard may look at it; the binding has all of it
	d := delivery{
		Kind: deliverCode, To: number.E164(), SMSKind: sms.KindVerifyCode, Purpose: r.Purpose, Tenant: sc.tenant,
		Language: lang, Params: params, Text: s.writer.code(lang, r.Purpose, params), Caller: &caller, Device: r.Device,
	}
	lane := outbox.LaneCode
	event.Outcome, event.UserID = outcome, user.ID
	if refused != "" {
		// Random bytes: no code has this digest.
		if _, err := io.ReadFull(s.ids.random, digest); err != nil {
			return CodeIssue{}, fmt.Errorf("identity: random source: %w", err)
		}
		d.Kind, lane = deliverDecoy, outbox.LaneDecoy
		event.Outcome = refused
		if s.notifiesTaken(r.Purpose, refused, user) {
			d.Kind, lane, d.SMSKind = deliverTaken, outbox.LaneCode, sms.KindNumberTaken
			d.Params, d.Text = nil, s.writer.numberTaken(lang)
			event.Outcome = outcomeTakenNotice
		}
	}
	// A redemption finds the provider of its code by the id, see [Attempt].
	message, err := s.relay.seal(codeID, lane, now, expires, d)
	if err != nil {
		return CodeIssue{}, err
	}
	more, err := s.trail.messages(event)
	if err != nil {
		return CodeIssue{}, err
	}
	return CodeIssue{
		Now: now,
		Code: VerifyCode{
			ID: codeID, Binding: s.rowKey(binding), NumberKey: s.numberKey(sc, r.Purpose, number),
			Digest: digest, KeyID: keyID,
			MaxAttempts: s.cfg.Limits.CodeAttempts, CreatedAt: now, ExpiresAt: expires,
		},
		Replace:  !s.cfg.InsecureAnyDevice,
		KeepLive: s.keepLive(),
		Messages: append([]outbox.Message{message}, more...),
		Event:    event,
	}, nil
}

// liveDevices is how many devices may have a live code for one number. The limits of
// sends let strangers have fewer, so strangers cannot end an owner's code.
const liveDevices = 100

func (s *Service) keepLive() int {
	if s.cfg.InsecureAnyDevice {
		return s.cfg.Limits.LiveCodes
	}
	return liveDevices
}

// notifiesTaken reports whether the owner of a number gets a message because another
// person tried to register the number.
func (s *Service) notifiesTaken(p Purpose, refused string, u User) bool {
	return s.cfg.NotifyTakenNumbers && p == PurposeRegister && refused == outcomeTaken && !u.Disabled && !u.VerifiedAt.IsZero()
}

// binding returns everything that a code is bound to, without the code itself.
func (s *Service) binding(sc scope, c Caller, p Purpose, number mobile.Number) []string {
	device := c.Device
	if s.cfg.InsecureAnyDevice {
		device = ""
	}
	return []string{sc.tenant, sc.client.ID, string(p), device, number.E164()}
}

// digestFields are what a code's digest covers: what it is bound to, the code,
// and the user with the password it is to replace, so that any other change of
// the password, or of who holds the number, ends the code.
func digestFields(binding []string, code string, u User) []string {
	return append(append([]string(nil), binding...), code, u.ID, u.PasswordHash)
}

func (s *Service) rowKey(binding []string) []byte {
	return s.keys.RowKey(append([]string{"binding"}, binding...)...)
}

func (s *Service) numberKey(sc scope, p Purpose, number mobile.Number) []byte {
	return s.keys.RowKey("number", sc.tenant, string(p), number.E164())
}

// newCode draws a code from the CSPRNG. Every code is equally likely, and leading
// zeros are kept.
func (s *Service) newCode() (string, error) {
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.cfg.CodeDigits)), nil)
	v, err := rand.Int(s.ids.random, n)
	if err != nil {
		return "", fmt.Errorf("identity: random source: %w", err)
	}
	return fmt.Sprintf("%0*d", s.cfg.CodeDigits, v), nil
}
