// Package eventwebhook tells a backend of events by signed HTTP requests, for
// [identity.Config].OnEvent. The form is that of Standard Webhooks
// (https://www.standardwebhooks.com), for which libraries exist in many languages.
//
// # Usage
//
//	hook, err := eventwebhook.New(eventwebhook.Config{URL: "https://backend.example/rekey", Secrets: secrets})
//	svc, err := identity.New(identity.Config{OnEvent: hook.Deliver, /* … */})
//
// [identity.Config].EventTypes says which events are delivered. By default these are
// password.reset, user.locked and limit.alarm.
//
// # What the backend gets
//
// Each event is a POST whose body is {"type", "timestamp", "data"}: the event's type,
// when it happened (RFC 3339, UTC), and the event as [identity.Event] in JSON. The
// headers are webhook-id, webhook-timestamp and webhook-signature.
//
// Delivery is at least once, in any order, for [identity.Config].EventLifetime. The
// webhook-id is the event's id and is the same at every attempt: keep the ids that
// you have handled. The webhook-timestamp is that of the attempt, in seconds: refuse
// one that is more than five minutes away, so that a request that was recorded cannot
// be sent again later.
//
// # What the backend answers
//
// Any status from 200 to 299 within the time-out ends the delivery. 410 ends it too,
// and the event is given up with a line in the log. Anything else is tried again with
// growing pauses, not before a Retry-After that comes with it. A redirect is a
// failure: the event goes to the configured address only.
//
// # Secrets
//
// A secret is "whsec_" and 24 to 64 random bytes in Base64; [NewSecret] makes one. With
// several secrets each request carries a signature by each, so that the backend can
// move from one to the next: add the new one here, change the backend, then remove the
// old one here.
package eventwebhook
