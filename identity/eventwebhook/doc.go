// Package eventwebhook tells a backend of events by signed HTTP requests, for
// [identity.Config].OnEvent. The form is that of Standard Webhooks
// (https://www.standardwebhooks.com), for which libraries exist in many languages.
//
// # Usage
//
//	hook, err := eventwebhook.New(eventwebhook.Config{URL: "https://backend.example/rekey", Secrets: secrets})
//	svc, err := identity.New(identity.Config{OnEvent: hook.Deliver, /* … */})
//
// [identity.Config].EventTypes selects the events. By default these are password.reset,
// user.locked and limit.alarm.
//
// # What the backend gets
//
// Each event is a POST whose body is {"type", "timestamp", "data"}: the event's type,
// when it happened (RFC 3339, UTC), and the event as [audit.Event] in JSON. The
// headers are webhook-id, webhook-timestamp and webhook-signature.
//
// Delivery is at least once, in any order, for [identity.Config].EventLifetime. The
// webhook-id is the event's id and the same at every attempt: keep the ids that you have
// handled. The webhook-timestamp is the time of the attempt, in seconds: refuse a
// timestamp that differs by more than five minutes, so that a recorded request cannot be
// replayed later.
//
// # What the backend answers
//
// Any status from 200 to 299 within the time-out ends the delivery. 410 ends it too: the
// event is given up, with a line in the log. After any other answer the delivery is tried
// again with growing pauses, and not before the answer's Retry-After. A redirect is a
// failure: events go to the configured address only.
//
// # Secrets
//
// A secret is "whsec_" and 24 to 64 random bytes in Base64; [NewSecret] makes one. With
// several secrets each request has one signature for each, so that you can rotate: add the
// new secret here, move the backend to it, then remove the old secret here.
package eventwebhook
