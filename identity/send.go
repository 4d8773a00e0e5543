package identity

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"time"

	"github.com/seed-16109ab2/rekey/identity/internal/keyring"
	"github.com/seed-16109ab2/rekey/sms"
)

// SendVerifyCode makes a verification code for a number and queues its SMS,
// which [Service.Run] delivers.
//
// A nil error says nothing about whether the number has a user: for an unknown
// number, or a user who may not recover by SMS, the same steps are taken with a
// code that matches nothing and a message that is never sent.
//
// Errors: [ErrClientMissing], [ErrDeviceMissing], [ErrClientNotFound],
// [ErrClientDisabled], [ErrTenantMissing], [ErrUnknownPurpose], [ErrInvalidMobile],
// [ErrCaptchaMissing], [ErrCaptchaWrong], [ErrCaptchaExpired],
// [*RateLimitedError]; anything else is a failure of storage or of a hook.
func (s *Service) SendVerifyCode(ctx context.Context, r SendRequest) error {
	start := time.Now()
	err := s.sendVerifyCode(ctx, r)
	if err == nil {
		s.level(ctx, start)
	}
	return err
}

func (s *Service) sendVerifyCode(ctx context.Context, r SendRequest) error {
	now := s.now()
	if !r.Purpose.Known() {
		return ErrUnknownPurpose
	}
	sc, err := s.scope(ctx, r.Caller)
	if err != nil {
		return err
	}
	mobile, region, err := s.mobiles.parse(r.Mobile)
	if err != nil {
		return err
	}
	if err := s.captcha(ctx, r, mobile); err != nil {
		return err
	}
	user, found, err := s.user(ctx, sc, mobile)
	if err != nil {
		return err
	}
	issue, err := s.issue(now, r, sc, mobile, user, ineligible(sc, user, found))
	if err != nil {
		return err
	}
	issue.Charges = s.meter(sc, r.Caller, mobile, region).sends()
	spent, err := s.store.IssueCode(ctx, issue)
	if err != nil {
		return limited(err, "issue code")
	}
	s.alarms(ctx, now, spent)
	s.wake()
	return nil
}

// captcha checks the token, if a verifier is configured. mobile is r.Mobile in E.164.
func (s *Service) captcha(ctx context.Context, r SendRequest, mobile string) error {
	if s.cfg.Captcha == nil {
		return nil
	}
	if r.CaptchaToken == "" {
		return ErrCaptchaMissing
	}
	err := s.cfg.Captcha.VerifyCaptcha(ctx, CaptchaRequest{
		Token: r.CaptchaToken, Mobile: mobile, Purpose: r.Purpose, Caller: r.Caller,
	})
	if err != nil && !errors.Is(err, ErrCaptchaWrong) && !errors.Is(err, ErrCaptchaExpired) {
		return fmt.Errorf("identity: verify captcha: %w", err)
	}
	return err
}

// issue prepares the code and its message; refused says why nothing may be
// sent, in which case the code matches nothing and the message is a decoy.
func (s *Service) issue(now time.Time, r SendRequest, sc scope, mobile string, user User, refused string) (CodeIssue, error) {
	code, err := s.newCode()
	if err != nil {
		return CodeIssue{}, err
	}
	event, err := s.event(now, EventCodeSent, sc, r.Caller, r.Purpose, mobile)
	if err != nil {
		return CodeIssue{}, err
	}
	codeID, err := s.newID()
	if err != nil {
		return CodeIssue{}, err
	}
	binding := s.binding(sc, r.Caller, r.Purpose, mobile)
	digest, keyID := s.keys.Digest(digestFields(binding, code, user)...)
	expires := now.Add(s.cfg.CodeLifetime)

	lang := s.writer.language(r.Language)
	params := map[string]string{
		"code":    code,
		"minutes": strconv.Itoa(minutes(s.cfg.CodeLifetime)),
	}
	d := delivery{
		Kind: deliverCode, To: mobile, SMSKind: sms.KindVerifyCode, Purpose: r.Purpose, Tenant: sc.tenant,
		Language: lang, Params: params, Text: s.writer.code(lang, r.Purpose, params), Caller: &r.Caller,
	}
	event.Outcome, event.UserID = outcomeSent, user.ID
	if refused != "" {
		// Random bytes: no code has this digest.
		if _, err := io.ReadFull(s.random, digest); err != nil {
			return CodeIssue{}, err
		}
		d.Kind = deliverNothing
		event.Outcome = refused
	}
	message, err := s.message(now, expires, d)
	if err != nil {
		return CodeIssue{}, err
	}
	return CodeIssue{
		Now: now,
		Code: VerifyCode{
			ID: codeID, Binding: keyring.Fingerprint(binding...),
			NumberKey: numberKey(sc, r.Purpose, mobile),
			Digest:    digest, KeyID: keyID,
			MaxAttempts: s.cfg.Limits.CodeAttempts, CreatedAt: now, ExpiresAt: expires,
		},
		KeepLive: s.cfg.Limits.LiveCodes,
		Message:  message,
		Event:    event,
	}, nil
}

func numberKey(sc scope, p Purpose, mobile string) []byte {
	return keyring.Fingerprint("number", sc.tenant, string(p), mobile)
}

// newCode draws a code from the CSPRNG, every one equally likely, leading
// zeros kept.
func (s *Service) newCode() (string, error) {
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.cfg.CodeDigits)), nil)
	v, err := rand.Int(s.random, n)
	if err != nil {
		return "", fmt.Errorf("identity: random source: %w", err)
	}
	return fmt.Sprintf("%0*d", s.cfg.CodeDigits, v), nil
}

// Kinds of deliveries, of one length: a decoy is sealed to the same size.
const (
	deliverCode    = "code"
	deliverNotice  = "note"
	deliverEvent   = "hook"
	deliverNothing = "none"
)

// delivery is what an outbox message holds, sealed.
type delivery struct {
	Kind     string              `json:"kind"`
	To       string              `json:"to,omitempty"`
	SMSKind  sms.Kind            `json:"sms,omitempty"`
	Purpose  Purpose             `json:"purpose,omitempty"`
	Tenant   string              `json:"tenant,omitempty"`
	Language string              `json:"lang,omitempty"`
	Text     string              `json:"text,omitempty"`
	Params   map[string]string   `json:"params,omitempty"`
	Caller   *Caller             `json:"caller,omitempty"`
	Reset    *PasswordResetEvent `json:"reset,omitempty"`
	// Apart is what a message waits for, where people are kept in another database.
	Apart *changeApart `json:"apart,omitempty"`
}

func (s *Service) message(now, expires time.Time, d delivery) (OutboxMessage, error) {
	id, err := s.newID()
	if err != nil {
		return OutboxMessage{}, err
	}
	return s.seal(id, now, expires, d)
}

func (s *Service) seal(id string, now, expires time.Time, d delivery) (OutboxMessage, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return OutboxMessage{}, fmt.Errorf("identity: encode message: %w", err)
	}
	return OutboxMessage{
		ID: id, Sealed: s.keys.Seal(text, id), State: MessagePending, CreatedAt: now, NextAt: now, ExpiresAt: expires,
	}, nil
}

// wake has Run look at the outbox now; it never blocks.
func (s *Service) wake() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}
