// Eventreceiver is a backend that takes events of package identity/eventwebhook. It
// verifies each request and prints the event. Give it the secret in the variable
// REKEY_EVENTS_SECRET:
//
//	REKEY_EVENTS_SECRET=whsec_… go run ./examples/eventreceiver
//
// A request of your own for a try-out, which is refused because its signature is wrong:
//
//	curl -i http://127.0.0.1:8090/ -H 'webhook-id: 1' -H "webhook-timestamp: $(date +%s)" -H 'webhook-signature: v1,AAAA' -d '{}'
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("REKEY_EVENTS_SECRET"), "whsec_"))
	if err != nil || len(key) < 24 {
		log.Fatal("eventreceiver: REKEY_EVENTS_SECRET is not a secret that begins with whsec_")
	}
	server := &http.Server{Addr: "127.0.0.1:8090", Handler: receiver(key, os.Stdout), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// receiver prints each event once.
func receiver(key []byte, out io.Writer) http.Handler {
	var handled sync.Map // a backend keeps the ids in its database
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || !verified(key, r.Header, body, time.Now()) {
			http.Error(w, "not verified", http.StatusUnauthorized)
			return
		}
		var event struct {
			Type string
			Data struct {
				UserID string `json:"user_id"`
			}
		}
		if err := json.Unmarshal(body, &event); err != nil {
			http.Error(w, "not an event", http.StatusBadRequest)
			return
		}
		if _, again := handled.LoadOrStore(r.Header.Get("webhook-id"), true); !again {
			_, _ = fmt.Fprintf(out, "%s of user %s\n", event.Type, event.Data.UserID)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// verified reports whether a request was signed with the key within five minutes of
// now.
func verified(key []byte, header http.Header, body []byte, now time.Time) bool {
	id, at := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	for _, s := range strings.Fields(header.Get("webhook-signature")) {
		got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "v1,"))
		if err == nil && hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}
