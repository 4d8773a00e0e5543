package smshttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed-16109ab2/rekey/sms"
	"github.com/seed-16109ab2/rekey/sms/smshttp"
)

// Acme is a sender for an invented provider. It takes a POST of JSON, answers 201
// with an id, and names its refusals by a code.
type Acme struct {
	url, key string
	http     *smshttp.Client
}

func NewAcme(url, key string, timeout time.Duration) (*Acme, error) {
	client, err := smshttp.New(smshttp.Config{Provider: "acme", Timeout: timeout})
	return &Acme{url: url, key: key, http: client}, err
}

func (a *Acme) Send(ctx context.Context, m sms.Message) (sms.Accepted, error) {
	body, err := json.Marshal(map[string]string{"to": m.To, "text": m.Text})
	if err != nil {
		return sms.Accepted{}, err
	}
	req, err := a.http.NewPost(ctx, a.url+"/messages", "application/json", body)
	if err != nil {
		return sms.Accepted{}, err
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	resp, err := a.http.Do(req, m)
	if err != nil {
		return sms.Accepted{}, err
	}
	var answer struct{ ID, Code string }
	err = json.Unmarshal(resp.Body, &answer)
	switch {
	case answer.Code == "number_limit": // too many messages to this number: others still get theirs
		failure := resp.Fail(sms.Temporary, answer.Code)
		failure.NumberOnly = true
		return sms.Accepted{}, failure
	case !resp.OK():
		return sms.Accepted{}, resp.FailStatus(answer.Code)
	case err != nil || answer.ID == "":
		return sms.Accepted{}, resp.FailUnreadable()
	}
	return resp.Accepted(answer.ID), nil
}

// A sender for your own provider. It passes the suite of package smstest.
func Example() {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer key" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"code": "wrong_key"}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprint(w, `{"id": "a-1"}`)
	}))
	defer provider.Close()

	for _, key := range []string{"key", "other key"} {
		sender, err := NewAcme(provider.URL, key, 5*time.Second)
		if err != nil {
			fmt.Println(err)
			return
		}
		accepted, err := sender.Send(context.Background(), sms.Message{To: "+8612345678901", Text: "Your code is 123456."})
		fmt.Printf("%q %v\n", accepted.Ref, err)
	}
	// Output:
	// "a-1" <nil>
	// "" sms not sent (permanent): acme: status 401, error wrong_key
}
