package bird_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/bird"
	"github.com/seed-16109ab2/rekey/sms/internal/providertest"
	"github.com/seed-16109ab2/rekey/sms/smstest"
)

const (
	secret    = "key-8f00c2d9"
	workspace = "a1405560-c8d3-4b1a-877d-3f449ad95352"
	channel   = "b2516671-d9e4-4c2b-988e-4a55abea6463"
)

func config(endpoint string) bird.Config {
	return bird.Config{AccessKey: identity.NewSecret(secret), WorkspaceID: workspace, ChannelID: channel, Endpoint: endpoint}
}

func read(r *http.Request, body []byte) (smstest.Received, error) {
	switch {
	case r.Method != http.MethodPost || r.URL.RequestURI() != "/workspaces/"+workspace+"/channels/"+channel+"/messages":
		return smstest.Received{}, errors.New("wrong method or path")
	case r.Header.Get("Authorization") != "AccessKey "+secret:
		return smstest.Received{}, errors.New("not authenticated")
	case r.Header.Get("Content-Type") != "application/json":
		return smstest.Received{}, errors.New("not JSON")
	}
	var m struct {
		Receiver struct {
			Contacts []struct{ IdentifierKey, IdentifierValue string }
		}
		Body struct {
			Type string
			Text struct{ Text string }
		}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return smstest.Received{}, err
	}
	if len(m.Receiver.Contacts) != 1 || m.Receiver.Contacts[0].IdentifierKey != "phonenumber" || m.Body.Type != "text" {
		return smstest.Received{}, errors.New("invalid payload")
	}
	return smstest.Received{To: m.Receiver.Contacts[0].IdentifierValue, Text: m.Body.Text.Text}, nil
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"code":%q,"message":"about +8613987650412"}`, code)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var ids atomic.Int64
	smstest.Run(t, smstest.Fixture{
		Provider:   bird.Provider,
		HasRef:     true,
		RetryAfter: 4 * time.Second,
		Secrets:    []string{secret},
		New: func(url string, timeout time.Duration) (sms.Sender, error) {
			c := config(url)
			c.Timeout = timeout
			return bird.New(c)
		},
		Read: read,
		Answer: func(b smstest.Behaviour, w http.ResponseWriter, _ smstest.Received) {
			switch b {
			case smstest.Accept:
				w.WriteHeader(http.StatusAccepted)
				_, _ = fmt.Fprintf(w, `{"id":"c3627782-eaf5-4d3c-a99f-5b66bcfb%04d","status":"accepted"}`, ids.Add(1))
			case smstest.Refuse:
				refuse(w, 422, "InvalidPayload")
			case smstest.TryLater:
				refuse(w, 503, "Unavailable")
			case smstest.Throttled:
				w.Header().Set("Retry-After", "4")
				refuse(w, 429, "RateLimitExceeded")
			}
		},
	})
}

func open(endpoint string) (*bird.Sender, error) { return bird.New(config(endpoint)) }

func TestBody(t *testing.T) {
	t.Parallel()
	var got []byte
	r, err := providertest.Send(t, open, sms.Message{ID: "m1", To: "+8612345678901", Text: "code 123456"}, func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"id":"x1","status":"accepted"}`))
	})
	if err != nil || r != (sms.Accepted{Provider: "bird", Ref: "x1"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	want := `{"receiver":{"contacts":[{"identifierKey":"phonenumber","identifierValue":"+8612345678901"}]},` +
		`"body":{"type":"text","text":{"text":"code 123456"}},"reference":"m1"}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   sms.Outcome
		shows  string
	}{
		{202, `{"id":"x1","status":"rejected"}`, sms.Permanent, "rejected"},
		{202, `{"status":"accepted"}`, sms.Uncertain, "unreadable"},
		{401, `{"code":"Unauthorized"}`, sms.Permanent, "Unauthorized"},
		{409, `{"code":"Conflict"}`, sms.Permanent, "Conflict"},
		{429, `{"code":"TooMany"}`, sms.Temporary, "TooMany"},
		{500, `{"code":"Internal"}`, sms.Uncertain, "Internal"},
		{503, `<html>`, sms.Temporary, "503"},
	} {
		_, err := providertest.Send(t, open, sms.Message{To: "+8613987650412"}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		})
		providertest.Failed(t, fmt.Sprint(tt.status, " ", tt.body), err, tt.want, false, tt.shows)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	_, err := bird.New(bird.Config{AccessKey: identity.NewSecret("hunter2\n"), ChannelID: "../x", Endpoint: "https://u:hunter2@x", Timeout: -1})
	providertest.Faults(t, err, "AccessKey contains", "WorkspaceID is required", "is not an id", "Endpoint must not contain", "Timeout")
	if _, err := bird.New(config("")); err != nil {
		t.Errorf("default endpoint: %v", err)
	}
}
